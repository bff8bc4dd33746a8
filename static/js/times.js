// "2 minutes ago" stays true while the page stays open.
// <time data-ago>        its text is the time passed since its datetime
// <time data-lasting>    its text is how long it lasts since its datetime
// <html data-now>        when the portal made the page
// <html data-offset data-zone>   minutes that its times are ahead of UTC, and how they say that

import { all } from "./page.js";

const UNITS = [
  [86400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"]
];

const ago = (seconds) => {
  if (seconds < 10) return "just now";
  const [size, unit] = UNITS.find(([least]) => seconds >= least);
  const count = Math.floor(seconds / size);
  return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
};

// The portal's clock counts, not this machine's: the page says when it was made.
const ahead = Date.now() - Date.parse(document.documentElement.dataset.now || new Date());
export const portalNow = () => Date.now() - ahead;
// As `time_in_zone` in snapshots/templatetags/times.py.
export const zonedTime = () => {
  const { offset, zone } = document.documentElement.dataset;
  return `${new Date(portalNow() + offset * 60000).toISOString().slice(11, 19)} ${zone}`;
};
const passedSince = (time) => (portalNow() - Date.parse(time.dateTime)) / 1000;

// As `lasted` in snapshots/templatetags/times.py.
const lasted = (seconds) => {
  if (seconds < 9.95) return `${Math.max(seconds, 0).toFixed(1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
};

const write = (time, text) => {
  // One text node that stays: a selection in it does, too.
  if (time.firstChild && time.firstChild.data !== text) time.firstChild.data = text;
};

const update = (name, words) => {
  if (document.hidden) return;
  for (const time of all(`time[${name}]`)) write(time, words(passedSince(time)));
};
setInterval(() => update("data-ago", ago), 15000);
setInterval(() => update("data-lasting", lasted), 1000);
