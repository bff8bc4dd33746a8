// Pieces that several modules use.

export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// What only makes sense with a script, or only without: `scripted.js`.
export const show = (root) => {
  for (const element of all(".with-script", root)) element.hidden = false;
  for (const element of all(".without-script", root)) element.hidden = true;
};

// Read aloud by screen readers.
export const announce = (message) => {
  document.getElementById("announcer").textContent = message;
};
