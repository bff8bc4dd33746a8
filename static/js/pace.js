// How many seconds an open page waits before it asks again.

export const IDLE_SECONDS = 30;
const SOON_SECONDS = 0.5;
const FRESH_SECONDS = 12;

// `quiet`: since the last change of what is unfinished, in seconds; null: nothing is.
export const pauseAfter = (quiet, isSoon) => {
  if (quiet === null) return IDLE_SECONDS;
  if (quiet < FRESH_SECONDS || (isSoon && quiet < 2 * FRESH_SECONDS)) return SOON_SECONDS;
  return Math.min(IDLE_SECONDS, quiet / 6);
};

// After so many questions in a row that were not answered.
export const pauseAfterFailures = (failures) => Math.min(IDLE_SECONDS, 2 ** failures);
