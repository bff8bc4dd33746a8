// Counters of bytes and characters below text fields.
// data-counts="ID"       on a counter: the field whose text it counts
// data-bytes, data-chars on a counter: the most that the field takes
// data-name-chars, data-description-chars   on a swapped fragment: limits of the chosen cloud

import { all, fillIn, words } from "./page.js";

const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const AROUND = new RegExp(`^${SPACE}|${SPACE}$`, "g");
const encoder = new TextEncoder();

const count = (counter) => {
  const text = document.getElementById(counter.dataset.counts).value.replace(AROUND, "");
  const { bytes, chars } = counter.dataset;
  const letters = [...text];
  const used = encoder.encode(text).length;
  const parts = [fillIn(words.bytes, { used, most: bytes })];
  if (chars) parts.unshift(fillIn(words.characters, { used: letters.length, most: chars }));
  let [size, tooMany] = [used, 0];
  for (; size > bytes || letters.length > (chars || Infinity); tooMany++) size -= encoder.encode(letters.pop()).length;
  if (tooMany) parts.push(fillIn(words.tooMany, { count: tooMany, number: tooMany }));
  counter.textContent = parts.join(words.comma);
  counter.classList.toggle("counter--over", tooMany);
};

for (const counter of all("[data-counts]")) {
  const field = document.getElementById(counter.dataset.counts);
  field.addEventListener("input", () => count(counter));
  count(counter);
}

// Another volume may be of another cloud, with other limits.
document.addEventListener("htmx:load", (event) => {
  const { nameChars, descriptionChars } = event.detail.elt.dataset ?? {};
  if (nameChars === undefined) return;
  for (const [id, chars] of [
      ["id_name", nameChars],
      ["id_description", descriptionChars]
    ]) {
    const counter = document.getElementById(`${id}_count`);
    counter.dataset.chars = chars;
    count(counter);
  }
});
