// The list of volumes in the form: a search field narrows it.
// data-filters="ID"      on the box with the search field: the select it narrows
// data-found             in that box: how many volumes match
// #volume-facts data-volume   the volume that the panel below the list is about

import { fold } from "./folding.js";
import { all } from "./page.js";

const narrow = (box, select, groups) => {
  const words = fold(box.querySelector("input").value).split(/\s+/).filter(Boolean);
  const fits = (option) => {
    const text = (option.folded ??= fold(option.textContent));
    const inId = (word) => word.length > 5 && option.value.includes(word); // "db" is in many
    return words.every((word) => text.includes(word) || inId(word));
  };
  let matching = 0;
  for (const { group, options } of groups) {
    const listed = options.filter((option) => option.selected || fits(option));
    group.replaceChildren(...listed);
    group.hidden = listed.length === 0;
    matching += listed.filter(fits).length;
  }
  select.size = words.length ? Math.min(8, Math.max(3, matching + 2)) : 1;
  const total = groups.reduce((sum, { options }) => sum + options.length, 0);
  box.querySelector("[data-found]").textContent = words.length
    ? `${matching} of ${total} volumes`
    : `${total} volumes`;
};

for (const box of all("[data-filters]")) {
  const select = document.getElementById(box.dataset.filters);
  const groups = all("optgroup", select).map((group) => ({ group, options: [...group.children] }));
  const search = box.querySelector("input");
  const total = groups.reduce((sum, { options }) => sum + options.length, 0);
  box.hidden = total < 8; // a short list is read faster than searched
  search.addEventListener("input", () => narrow(box, select, groups));
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it would send the form
    if (event.key === "Enter" || event.key === "ArrowDown") select.focus();
  });
  // Chosen: the list folds. Not on blur, where it would pull away what is being clicked.
  const close = () => {
    if (select.value) select.size = 1;
  };
  select.addEventListener("click", (event) => {
    if (event.target !== select) close();
  });
  select.addEventListener("keydown", (event) => {
    if (event.key === "Tab" || event.key === "Enter") close();
  });
  narrow(box, select, groups);
}

// After "back" the browser puts the choice back: the panel below it, and its consent, follow.
const followChoice = () => {
  const facts = document.getElementById("volume-facts");
  const select = document.getElementById("id_volume_id");
  if (!facts || !select || select.value === facts.dataset.volume) return;
  select.dispatchEvent(new Event("change", { bubbles: true }));
};
window.addEventListener("pageshow", followChoice);
