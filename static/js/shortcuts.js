// Single keys: ? lists them, / searches, n asks for a snapshot, j and k go through rows.
// Not while somebody types, and not where the person's preferences turn them off (WCAG 2.1.4).
// <html data-shortcuts="off">
// #shortcuts             the list of keys, a dialog
// data-key="n"           a link that the key opens

import { all } from "./page.js";

const isOff = () => document.documentElement.dataset.shortcuts === "off";
const isTyping = (element) => element.closest("input, textarea, select, [contenteditable], dialog[open]");

const step = (by) => {
  const links = all("main tbody tr").map((row) => row.querySelector("a[href]")).filter(Boolean);
  const row = document.activeElement.closest("tr");
  const here = links.findIndex((link) => link.closest("tr") === row);
  const next = here < 0 && by < 0 ? links.length - 1 : here + by;
  links[next]?.focus();
};

const open = (key) => document.querySelector(`a[data-key="${key}"]`)?.click();
const actions = {
  "?": () => document.getElementById("shortcuts")?.showModal(),
  "/": () => document.querySelector("main [role=search] input:not([type=hidden])")?.focus(),
  n: () => open("n"),
  j: () => step(1),
  k: () => step(-1)
};

document.addEventListener("keydown", (event) => {
  const isChord = event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key === "n";
  if (isOff() || isChord || isTyping(event.target) || !Object.hasOwn(actions, event.key)) return;
  event.preventDefault();
  actions[event.key]();
});
