// The volume is searched as it is typed: a combobox on the server's answers (ARIA pattern). Without
// a script a button searches, and the select below shows what was found.
// data-picker            on the box: [name=find] is typed into, a select holds the choice
// role="option" data-value data-label   an offer; aria-disabled: it cannot be chosen
// data-found             in the list: how many there are, read aloud
// #volume-facts data-volume data-label data-suggestion   the chosen one, and the name it gives

import { all, announce } from "./page.js";

const start = (box) => {
  const input = box.querySelector("[name=find]");
  const list = box.querySelector("[role=listbox]");
  const select = box.querySelector("select");
  const facts = () => document.getElementById("volume-facts");
  const name = document.getElementById("id_name");
  const offers = () => all("[role=option]:not([aria-disabled])", list);
  let active = null;
  let isAwaited = false; // an answer that comes after the choice must not cover the form again
  let suggestion = facts().dataset.suggestion;

  const activate = (offer) => {
    active?.setAttribute("aria-selected", "false");
    active = offer;
    active?.setAttribute("aria-selected", "true");
    active?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", active?.id ?? "");
  };
  const show = (isOpen) => {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", isOpen);
    if (isOpen) return;
    isAwaited = false;
    activate(null);
  };
  const open = () => {
    if (!list.hidden) return;
    isAwaited = true;
    htmx.trigger(input, "offers");
  };
  const restore = () => (input.value = select.value ? facts().dataset.label || select.value : "");
  const choose = ({ dataset: { value, label } }) => {
    if (![...select.options].some((option) => option.value === value)) select.add(new Option(label, value));
    select.value = value;
    input.value = facts().dataset.label = label;
    show(false);
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const keys = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => active && choose(active),
    Escape: () => {
      if (list.hidden) input.value = "";
      show(false);
    },
  };
  const step = (by) => {
    if (list.hidden) return open();
    const rows = offers();
    activate(rows.at((rows.indexOf(active) + (active || by > 0 ? by : 0)) % rows.length) ?? null);
  };

  select.hidden = true;
  document.querySelector("[name=name_it]")?.remove(); // the name follows the volume from here on
  document.querySelector(`label[for=${select.id}]`).htmlFor = input.id;
  for (const link of all(`a[href="#${select.id}"]`)) link.hash = input.id;
  for (const [key, value] of Object.entries({
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-controls": list.id,
      "aria-describedby": select.getAttribute("aria-describedby") ?? "",
      "aria-invalid": select.getAttribute("aria-invalid") ?? "false",
    })) input.setAttribute(key, value);
  show(false);
  restore();

  input.addEventListener("click", open);
  input.addEventListener("input", () => (isAwaited = true));
  input.addEventListener("focus", () => {
    input.select();
    if (!select.value) open();
  });
  input.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault(); // Enter would send the form
    keys[event.key]();
  });
  input.addEventListener("blur", () => {
    show(false);
    restore();
  });
  input.addEventListener("htmx:configRequest", ({ detail }) => {
    if (select.value && input.value === facts().dataset.label) detail.parameters.set("find", "");
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays
  list.addEventListener("click", (event) => {
    const offer = event.target.closest("[role=option]:not([aria-disabled])");
    if (offer) choose(offer);
  });
  list.addEventListener("htmx:afterSwap", () => {
    if (!isAwaited || document.activeElement !== input) return;
    show(true);
    const rows = offers();
    announce(list.querySelector("[data-found]")?.dataset.found ?? list.textContent.trim());
    if (rows.length === 1 && rows[0].dataset.value === input.value.trim()) choose(rows[0]);
    else activate(rows.length === 1 ? rows[0] : null);
  });
  // The name follows the volume until the person types another.
  document.addEventListener("htmx:load", ({ detail: { elt } }) => {
    if (elt !== facts()) return;
    if (name.value === suggestion) {
      name.value = elt.dataset.suggestion;
      name.dispatchEvent(new Event("input", { bubbles: true }));
    }
    suggestion = elt.dataset.suggestion;
    if (list.hidden) restore();
  });
  // After "back", or with a draft, the choice is another than the page was made for.
  window.addEventListener("pageshow", () => {
    if (select.value !== (facts().dataset.volume || "")) select.dispatchEvent(new Event("change", { bubbles: true }));
    // htmx listens from here on: what was asked for before came to nothing.
    else if (document.activeElement === input && (isAwaited || !select.value)) open();
  });
};

for (const box of all("[data-picker]")) start(box);
