// Buttons that copy, fill in, or may be pressed once only.
// data-copy="ID"         copies the text of that element
// data-fill="ID" data-text="TEXT"   fills a field; data-also, data-also-text: a second field
// data-once              cannot be pressed again after its form was sent

import { announce, words } from "./page.js";

const fill = (id, text) => {
  const field = document.getElementById(id);
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
};

const copy = async (button) => {
  const text = document.getElementById(button.dataset.copy).textContent;
  const word = button.querySelector("span");
  const label = word.textContent;
  button.classList.add("copy--done");
  try {
    await navigator.clipboard.writeText(text);
    word.textContent = words.copied;
    announce(words.copiedAloud);
  } catch {
    getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    word.textContent = words.selected;
    announce(words.selectedAloud);
  }
  setTimeout(() => {
    word.textContent = label;
    button.classList.remove("copy--done");
  }, 2500);
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if ("copy" in button.dataset) copy(button);
  if ("fill" in button.dataset) {
    const { fill: id, text, also, alsoText } = button.dataset;
    if (also) fill(also, alsoText);
    fill(id, text);
  }
});

document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("[data-once]");
  if (button) button.setAttribute("aria-disabled", "true");
});
