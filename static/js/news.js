// What became of something while the page was open: read aloud, and in the tab's title if it is bad.
// data-says="TEXT"       on a part: its news in one sentence
// data-tone="bad"        the news is bad

import { announce } from "./page.js";

const SILENCE_SECONDS = 10;
const MOST_TOLD = 3;
let waiting = [];
let spokenAt = -Infinity;
let timer = null;
const title = document.title;

const speak = () => {
  timer = null;
  if (!waiting.length) return;
  spokenAt = performance.now();
  const told = waiting.slice(0, MOST_TOLD).join("; ");
  const more = waiting.length - MOST_TOLD;
  announce(more > 0 ? `${told}; +${more}` : told);
  waiting = [];
};

// At most one sentence in ten seconds; what comes in between is told together.
const tell = (text) => {
  waiting = [...waiting.filter((other) => other !== text), text];
  const due = spokenAt + SILENCE_SECONDS * 1000 - performance.now();
  timer ??= setTimeout(speak, Math.max(0, due));
};

// What the person chose in this browser (`notify.js`); some browsers refuse it here.
export const notifies = () => localStorage.getItem("notify") || "";
const notify = (text, tone) => {
  const isWished = tone === "bad" ? notifies() : tone === "good" && notifies() === "all";
  if (!isWished || document.hasFocus()) return;
  try {
    const notification = new Notification(text, { body: title, tag: text });
    notification.onclick = () => focus();
  } catch {}
};

export const tellNews = (before, after) => {
  const { says, tone } = after.dataset;
  if (!says || says === before?.dataset.says) return;
  tell(says);
  notify(says, tone);
  if (tone === "bad") document.title = `${says} · ${title}`;
};

// Somebody is there and sees it.
const forgetTitle = () => {
  if (document.title !== title) document.title = title;
};
for (const name of ["keydown", "pointerdown"]) {
  document.addEventListener(name, forgetTitle, { capture: true, passive: true });
}
