// Pieces that several modules use.

export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Read aloud by screen readers.
export const announce = (message) => {
  document.getElementById("announcer").textContent = message;
};
