// Polling is no use of the session, or a page that somebody left open would keep it for ever. But who
// watches a page without a click must not lose it: what polls says that somebody moved or typed since.

let isAttended = false;

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

document.addEventListener("htmx:configRequest", (event) => {
  if (isAttended) event.detail.headers["X-Attended"] = "true";
  isAttended = false;
});
