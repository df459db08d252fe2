// @ts-check
// The time range that all charts of a page share, and the URL that tells it.

/** @typedef {{from_ms: number, to_ms: number, live: boolean}} Range */

const MINUTE_MS = 60_000;
/** Lengths of steps in seconds, of which a chart takes the shortest that gives few enough points. */
const STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
const MOST_POINTS = 360;

/** @type {Range} */
let current = read();

/** @returns {Range} */
function read() {
  const content = document.querySelector("meta[name=hydrant-range]")?.getAttribute("content");
  const now = Date.now();
  return content ? JSON.parse(content) : { from_ms: now - 180 * MINUTE_MS, to_ms: now, live: true };
}

/** The range that is shown; one that is live moves on with `advance`. */
export function shownRange() {
  return current;
}

/**
 * Seconds between the points of a chart.
 * @param {Range} range
 */
export function stepOf(range) {
  const wanted = (range.to_ms - range.from_ms) / 1000 / MOST_POINTS;
  return STEPS.find((step) => step >= wanted) ?? Math.ceil(wanted / 86_400) * 86_400;
}

/** Moves a live range to where the clock is; whether it moved. */
export function advance() {
  if (!current.live) return false;
  const end = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
  if (end <= current.to_ms) return false;
  current = { from_ms: current.from_ms + end - current.to_ms, to_ms: end, live: true };
  return true;
}

/**
 * Shows another range: into the URL, so that going back shows the one before, and to all charts.
 * @param {number} fromMs
 * @param {number} toMs
 */
export function zoom(fromMs, toMs) {
  const from = Math.floor(fromMs / MINUTE_MS) * MINUTE_MS;
  const to = Math.max(Math.ceil(toMs / MINUTE_MS) * MINUTE_MS, from + 2 * MINUTE_MS);
  const url = new URL(location.href);
  url.searchParams.set("from", String(from));
  url.searchParams.set("to", String(to));
  // The first one of the history has no state of ours yet.
  if (history.state === null) history.replaceState(current, "", location.href);
  show({ from_ms: from, to_ms: to, live: false });
  history.pushState(current, "", url);
}

/** Shows twice as much, around the middle. */
export function widen() {
  const length = current.to_ms - current.from_ms;
  zoom(current.from_ms - length / 2, Math.min(current.to_ms + length / 2, Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS));
}

/** @param {Range} range */
function show(range) {
  current = range;
  document.dispatchEvent(new CustomEvent("hydrant:range", { detail: range }));
}

addEventListener("popstate", (event) => {
  const state = /** @type {Range | null} */ (event.state);
  if (state && typeof state.from_ms === "number") show(state);
});
