// Pieces that several modules use.

export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// What only makes sense with a script, or only without: `scripted.js`.
export const show = (root) => {
  for (const element of all(".with-script", root)) element.hidden = false;
  for (const element of all(".without-script", root)) element.hidden = true;
};

// Words in the language of the page: <script id="words"> (snapshots/templatetags/scripts.py).
export const words = JSON.parse(document.getElementById("words").textContent);
const language = document.documentElement.lang;
// Arabic with the digits 0 to 9, as the server writes it.
export const locale = language === "ar" ? "ar-u-nu-latn" : language;
const plural = new Intl.PluralRules(language);

export const fillIn = (form, values) => form.replace(/\{(\w+)\}/g, (_, name) => values[name]);
export const fillInCount = (forms, name, count) => fillIn(forms[plural.select(count)], {
  [name]: count
});

// Read aloud by screen readers.
export const announce = (message) => {
  document.getElementById("announcer").textContent = message;
};
