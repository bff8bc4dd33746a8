// Small comforts on top of pages that work without them. No framework, nothing inline.
// Each module names its hooks in the page at its top. `live.js`, `forms.js` and `passkeys.js` are fetched by the
// pages that need them.
import "./contact.js";
import "./attended.js";
import "./times.js";
import "./buttons.js";
import "./shortcuts.js";
import "./zone.js";
import "./scripted.js";
import "./sent.js";
