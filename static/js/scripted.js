// What only makes sense with a script, or only without.
// .with-script           hidden until a script runs
// .without-script        hidden as soon as a script runs

import { show } from "./page.js";

show(document);
document.addEventListener("htmx:load", (event) => show(event.detail.elt.parentElement || document));
