// What only makes sense with a script, or only without.
// .with-script           hidden until a script runs
// .without-script        hidden as soon as a script runs

import { all } from "./page.js";

const show = (root) => {
  for (const element of all(".with-script", root)) element.hidden = false;
  for (const element of all(".without-script", root)) element.hidden = true;
};
show(document);
document.addEventListener("htmx:load", (event) => show(event.detail.elt.parentElement || document));
