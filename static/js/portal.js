// Small comforts on top of pages that work without them. No framework, nothing inline.
// Each module names its hooks in the page at its top.
import "./contact.js";
import "./attended.js";
import "./times.js";
import "./counters.js";
import "./volumes.js";
import "./metadata.js";
import "./drafts.js";
import "./buttons.js";
import "./passkeys.js";
import "./scripted.js";
