// What was typed outlives an ended session and a failed send. It stays in this tab, under the
// form's number, until sent.js clears it. Consent is not stored: it is given again.
// data-draft="KEY"       on a form: its number
// data-blank             on that form: nothing is typed yet, so a draft may fill it
// data-rows              the rows of metadata in it, made as the draft has them

import { appendRow } from "./metadata.js";

const form = document.querySelector("form[data-draft]");
const who = document.querySelector(".person__name")?.textContent;
let isSaving = true;

const save = () => {
  if (!form || !isSaving) return;
  const fields = [...new FormData(form)].filter(
    ([name]) => !["csrfmiddlewaretoken", "key", "force", "no_secret", "find", "suggested"].includes(name),
  );
  sessionStorage.setItem(form.dataset.draft, JSON.stringify({ who, fields }));
};

const refill = () => {
  const draft = JSON.parse(sessionStorage.getItem(form.dataset.draft));
  if (draft?.who !== who) return;
  const group = document.getElementById("metadata");
  group.querySelector("[data-rows]").replaceChildren();
  for (const [name, text] of draft.fields) {
    const [, number] = name.match(/^metadata-(\d+)-key$/) || [];
    if (number) appendRow(group, number);
    if (number && text) group.closest("details").open = true;
    const field = form.elements[name];
    if (!field) continue; // the person lost the role that has this field
    if (field.localName === "select") field.add(new Option(text)); // it offers some volumes only
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
};

if (form && "blank" in form.dataset) refill();
window.addEventListener("pagehide", save);
document.addEventListener("submit", (event) => {
  if (event.target === form) {
    save();
    sessionStorage.setItem("sent", form.dataset.draft);
  }
  if (event.target.closest(".person")) isSaving = false;
});
