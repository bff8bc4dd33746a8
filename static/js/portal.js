// Small comforts on top of pages that work without them. No framework, nothing inline.
// Each module names its hooks in the page at its top. `live.js`, `forms.js` and `passkeys.js` are fetched by the
// pages that need them.
import "./contact.js";
import "./attended.js";
import "./times.js";
import "./buttons.js";
import "./shortcuts.js";
import "./zone.js";
import "./sent.js";
import { show } from "./page.js";

// What only makes sense with a script, or only without.
// .with-script           hidden until a script runs
// .without-script        hidden as soon as a script runs
show(document);
document.addEventListener("htmx:load", (event) => show(event.detail.elt.parentElement || document));
