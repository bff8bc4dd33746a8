// "2 minutes ago" stays true while the page stays open.
// <time data-ago>        its text is the time passed since its datetime
// <time data-lasting>    its text is how long it lasts since its datetime
// <html data-now>        when the portal made the page
// <html data-offset data-zone>   minutes that its times are ahead of UTC, and how they say that

import { all, fillIn, words } from "./page.js";

const UNITS = [
  [86400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"]
];

const relative = new Intl.RelativeTimeFormat(words.locale);
const tenths = new Intl.NumberFormat(words.locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

// As `ago` in snapshots/templatetags/times.py.
const ago = (seconds) => {
  if (seconds < 10) return words.now;
  const [size, unit] = UNITS.find(([least]) => seconds >= least);
  return relative.format(-Math.floor(seconds / size), unit);
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
  if (seconds < 9.95) return fillIn(words.seconds, { seconds: tenths.format(Math.max(seconds, 0)) });
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return fillIn(words.days, { count: Math.floor(hours / 24) });
  if (hours) return fillIn(words.hours, { hours, minutes: minutes % 60 });
  if (minutes) return fillIn(words.minutes, { minutes, seconds: whole % 60 });
  return fillIn(words.seconds, { seconds: whole });
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
