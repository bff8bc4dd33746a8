// A draft (drafts.js) is cleared when another page than the form answers what was sent, and all of
// them when the person signs out. Every page loads this, since any may come after the form.
// data-draft             on a form: here the draft may still be needed

const form = document.querySelector("form[data-draft]");

if (document.querySelector(".person__name")) {
  if (!form) sessionStorage.removeItem(sessionStorage.getItem("sent"));
  sessionStorage.removeItem("sent");
}
document.addEventListener("submit", ({ target }) => {
  if (target.closest(".person")) sessionStorage.clear();
});
