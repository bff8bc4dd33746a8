// Keeps an open page true. It asks whether anything has changed; what has changed comes as parts, and
// each takes the place of the part with its id.
// data-live="ADDRESS"    on the element around the parts: where to ask
// data-version           what the page says, as a whole
// data-changed, data-soon   when something unfinished changed last; whether more comes in a moment
// data-shape, data-part, data-order   digests: of all but the parts, of a part, of a list's order
// data-root, data-list   in an answer: the element around the parts; the list that has this order
// data-says              on a part: what became of it

import { attended } from "./attended.js";
import { showLost, showRegained } from "./contact.js";
import { holdFocus, morph } from "./morph.js";
import { notifies, tellNews } from "./news.js";
import { pauseAfter, pauseAfterFailures } from "./pace.js";
import { all, show } from "./page.js";
import { portalNow, zonedTime } from "./times.js";

const PATIENCE_SECONDS = 15;
const DIGESTS = ["data-shape", "data-part", "data-order"];
let failures = 0;
let timer = null;
let asking = null;
let isDueAgain = false; // while a question is on its way
let isOver = false;

const root = () => document.querySelector("[data-live]");

const digests = () => DIGESTS.flatMap(
  (name) => all(`[${name}]`).map((element) => element.getAttribute(name)),
);

const headers = () => ({
  "HX-Request": "true",
  "HX-Current-URL": location.href,
  "X-Language": document.documentElement.lang,
  "X-Version": root().dataset.version,
  "X-Have": digests().join(" "),
  ...(attended() ? { "X-Attended": "true" } : {}),
});

const plan = () => {
  clearTimeout(timer);
  const rests = (document.hidden && !notifies()) || (failures && !navigator.onLine);
  if (isOver || rests || !root()) return;
  const { changed, soon } = root().dataset;
  const quiet = changed ? (portalNow() - Date.parse(changed)) / 1000 : null;
  const seconds = failures
    ? pauseAfterFailures(failures)
    : pauseAfter(document.hidden ? null : quiet, soon !== undefined);
  timer = setTimeout(ask, seconds * 1000);
};

// --- what an answer brings --------------------------------------------------------------------

const replacePart = (after) => {
  const before = document.getElementById(after.id);
  tellNews(before, after);
  if (before) morph(before, after);
  return !before;
};

// A row that is new has no place yet: it is kept until the order of its list comes.
const putInOrder = (list, rows, newRows) => {
  const known = new Map([...list.children].map((row) => [row.id, row]));
  for (const [id, row] of known) {
    if (rows.includes(id)) continue;
    newRows.set(id, row); // another list of the page may have it now
    row.remove();
  }
  let place = list.firstElementChild;
  for (const id of rows) {
    const row = known.get(id) || newRows.get(id) || document.getElementById(id);
    if (row === place) place = place.nextElementSibling;
    else if (row) list.insertBefore(row, place);
  }
};

const change = (templates) => {
  const newRows = new Map();
  const whole = templates.find((template) => template.dataset.root !== undefined);
  if (whole) {
    const after = whole.content.firstElementChild;
    for (const part of all("[data-says]", after)) tellNews(document.getElementById(part.id), part);
    morph(root(), after);
  }
  for (const template of templates.slice(1)) {
    const { list, order } = template.dataset;
    const part = template.content.firstElementChild;
    if (list && document.getElementById(list)) {
      const element = document.getElementById(list);
      putInOrder(element, template.innerHTML.split(" "), newRows);
      element.dataset.order = order;
    } else if (part && template !== whole && replacePart(part)) newRows.set(part.id, part);
  }
};

const apply = (text) => {
  const page = new DOMParser().parseFromString(text, "text/html");
  const templates = all("template", page);
  const restoreFocus = holdFocus();
  change(templates);
  const { version, changed } = templates[0].dataset;
  Object.assign(root().dataset, { version, changed });
  root().toggleAttribute("data-soon", templates[0].dataset.soon !== undefined);
  show(document);
  restoreFocus();
};

const noteCheck = () => {
  for (const time of all(".checked__time")) time.textContent = zonedTime();
};

// Said once, above the parts, which stay as they are.
const sayEnded = (text) => {
  isOver = true;
  const message = new DOMParser().parseFromString(text, "text/html").body.firstElementChild;
  root().before(message);
};

// --- asking -----------------------------------------------------------------------------------

const read = async (answer) => {
  if (answer.status === 401) return sayEnded(await answer.text());
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) return location.assign(elsewhere);
  if (!answer.ok) {
    failures += 1;
    isOver = answer.status < 500 && answer.status !== 429;
    return showLost(answer.status);
  }
  failures = 0;
  showRegained();
  if (answer.status === 200) apply(await answer.text());
  return noteCheck();
};

const ask = async () => {
  if (isOver) return;
  isDueAgain = asking !== null;
  if (asking) return;
  asking = new AbortController();
  const impatience = setTimeout(() => asking?.abort(), PATIENCE_SECONDS * 1000);
  try {
    const address = root().dataset.live;
    await read(await fetch(address, { headers: headers(), signal: asking.signal, cache: "no-store" }));
  } catch (error) {
    if (!(error instanceof TypeError || error.name === "AbortError")) throw error;
    failures += 1;
    showLost(0);
  } finally {
    clearTimeout(impatience);
    asking = null;
    if (isDueAgain) ask();
    else plan();
  }
};

// A page that nobody sees rests, or asks slowly where the browser is to notify. It catches up as soon
// as it is seen; so does one that was without network.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) plan();
  else if (root()) ask();
});
window.addEventListener("online", () => {
  if (root() && !document.hidden) ask();
});

plan();
