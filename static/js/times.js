// "2 minutes ago" stays true while the page stays open.
// <time data-ago>        its text is the time passed since its datetime
// <html data-now>        when the portal made the page

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
const updateTimes = () => {
  for (const time of all("time[data-ago]")) {
    const passed = (Date.now() - ahead - Date.parse(time.dateTime)) / 1000;
    time.textContent = ago(passed);
  }
};
setInterval(updateTimes, 15000);
