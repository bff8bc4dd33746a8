// Where the focus goes when the element that has it goes away: to a neighbour, never to the page's
// beginning.

import { all } from "./page.js";

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
