// Makes an element say what another one says, and leaves in place whatever is the same: the focus, a
// selection, a list that is rolled, a menu that is open, and what somebody typed or ticked.

import { all } from "./page.js";

// The person's, not the server's.
const KEPT = new Set(["open", "value", "checked", "aria-expanded", "hidden"]);
const FIELDS = new Set(["INPUT", "SELECT", "TEXTAREA"]);

// What a press of it does: under somebody's finger one button must not become another.
const MEANINGS = {
  A: (element) => element.getAttribute("href"),
  BUTTON: (element) => element.textContent.trim(),
  FORM: (element) => element.getAttribute("action"),
};
const meaning = (node) => MEANINGS[node.nodeName]?.(node);

const isSameKind = (before, after) =>
  before.nodeName === after.nodeName && before.id === after.id && meaning(before) === meaning(after);

const morphAttributes = (before, after) => {
  for (const { name } of [...before.attributes]) {
    if (!after.hasAttribute(name) && !KEPT.has(name)) before.removeAttribute(name);
  }
  for (const { name, value } of after.attributes) {
    if (before.getAttribute(name) !== value && !KEPT.has(name)) before.setAttribute(name, value);
  }
};

const morphChildren = (before, after) => {
  let place = before.firstChild;
  for (const next of [...after.childNodes]) {
    let same = place;
    while (same && !isSameKind(same, next)) same = same.nextSibling;
    if (!same) {
      before.insertBefore(next, place);
      continue;
    }
    while (place !== same) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
    morph(same, next);
    place = same.nextSibling;
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
};

export const morph = (before, after) => {
  if (before.isEqualNode(after)) return;
  if (before.nodeType !== Node.ELEMENT_NODE) {
    if (before.data !== after.data) before.data = after.data;
    return;
  }
  if (FIELDS.has(before.nodeName) && before.type !== "hidden") return;
  morphAttributes(before, after);
  if (before.nodeName === "INPUT") before.value = after.getAttribute("value");
  morphChildren(before, after);
};

// Where the focus goes when the element that has it goes away: to a neighbour, never to the page's
// beginning.
const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";

// Called before a change; what it returns is called after it.
export const holdFocus = () => {
  const before = document.activeElement;
  if (!before || before === document.body) return () => {};
  const places = all(FOCUSABLE, document.getElementById("main"));
  const at = places.indexOf(before);
  return () => {
    if (before.isConnected || at < 0) return;
    const isThere = (element) => element.isConnected && element.getClientRects().length > 0;
    const near = places.slice(at + 1).find(isThere) || places.slice(0, at).reverse().find(isThere);
    (near || document.getElementById("main")).focus({ preventScroll: true });
  };
};
