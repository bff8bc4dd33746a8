// Polling is no use of the session, or a page that somebody left open would keep it for ever. But who
// watches a page without a click must not lose it: what polls says that somebody moved or typed since.

const NOTED_SECONDS = 20; // the portal notes the use of a session once a minute at most
let isAttended = false;
let toldAt = -Infinity;

const attend = () => {
  isAttended = true;
};

for (const name of ["keydown", "pointerdown", "wheel"]) {
  document.addEventListener(name, attend, { capture: true, passive: true });
}
// A pointer that rests "moves" when the page moves under it.
document.addEventListener("pointermove", (event) => {
  if (event.movementX || event.movementY) attend();
}, { passive: true });

// Whether a question is to say so. A question that does is answered in full.
export const attended = () => {
  const now = performance.now() / 1000;
  if (!isAttended || now - toldAt < NOTED_SECONDS) return false;
  isAttended = false;
  toldAt = now;
  return true;
};

document.addEventListener("htmx:configRequest", (event) => {
  if (attended()) event.detail.headers["X-Attended"] = "true";
});
