// Pieces that several modules use.

export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// What only makes sense with a script, or only without: `portal.js`.
export const show = (root) => {
  for (const element of all(".with-script", root)) element.hidden = false;
  for (const element of all(".without-script", root)) element.hidden = true;
};

// Words in the language of the page: <meta id="words"> (snapshots/templatetags/scripts.py).
export const words = JSON.parse(document.getElementById("words").content);
const plural = new Intl.PluralRules(words.locale);

// A form that differs by number has a text for each kind of number: `values.count` chooses.
export const fillIn = (form, values) =>
  (form[plural.select(values.count)] ?? form).replace(/\{(\w+)\}/g, (_, name) => values[name]);

// Read aloud by screen readers.
export const announce = (message) => {
  document.getElementById("announcer").textContent = message;
};
