// What forms of snapshots need: fetched by their pages alone.
import "./counters.js";
import "./picker.js";
import "./metadata.js";
import "./drafts.js";
