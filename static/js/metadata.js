// Rows of metadata that come and go.
// data-rows              holds the rows
// data-row="N"           a row; its number in the names of its fields
// data-blank-row         a template of a row: __N__ is its number, __P__ its position
// data-add-row, data-remove-row   buttons

import { all, announce, words } from "./page.js";

export const appendRow = (group, number) => {
  const rows = group.querySelector("[data-rows]");
  const blank = group.querySelector("[data-blank-row]").innerHTML;
  const markup = blank.replaceAll("__N__", String(number));
  rows.insertAdjacentHTML("beforeend", markup.replaceAll("__P__", String(rows.children.length + 1)));
  return rows.lastElementChild;
};

const addRow = (group) => {
  const numbers = all("[data-row]", group).map((row) => Number(row.dataset.row));
  appendRow(group, Math.max(-1, ...numbers) + 1).querySelector("input").focus();
  announce(words.rowAdded);
};

const removeRow = (group, row) => {
  const next = row.nextElementSibling || row.previousElementSibling;
  row.remove();
  (next?.querySelector("input") || group.querySelector("[data-add-row]")).focus();
  announce(words.rowRemoved);
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const group = button.closest("fieldset");
  if ("addRow" in button.dataset) {
    event.preventDefault();
    addRow(group);
  }
  if ("removeRow" in button.dataset) {
    event.preventDefault();
    removeRow(group, button.closest("[data-row]"));
  }
});
