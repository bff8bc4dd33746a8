// Folding, as the server's searches do it (snapshots/models/folding.py): case, accents, full
// width, ligatures and the dot on an i make no difference.

const combines = (mark) =>
  // Only marks that combine change their order when a text is normalized.
  ["\u0345", "\u0334"].some((other) => [mark + other, other + mark].some((pair) => pair.normalize("NFD") !== pair));
const isDropped = (char) =>
  /[\p{Cf}\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/u.test(char) || (/\p{M}/u.test(char) && combines(char));
const dotless = { "\u0131": "i", "\u0237": "j", "\u03c2": "\u03c3" };
const foldOnce = (text) => [...text.normalize("NFKD")]
  // Upper and lower case first: ß is SS in capitals only.
  .flatMap((char) => [...char.toUpperCase().toLowerCase().normalize("NFKD")])
  .filter((char) => !isDropped(char))
  .map((char) => dotless[char] ?? char)
  .join("");
export const fold = (text) => {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  const folded = foldOnce(text);
  return folded === text ? text : fold(folded);
};
