// @ts-check
// The time range that all charts of a page share, and the URL that tells it.

/**
 * A range, and the texts that URLs carry for it.
 * @typedef {{from_ms: number, to_ms: number, live: boolean, from: string, to: string}} Range
 */

const MINUTE_MS = 60_000;
const DAY_S = 86_400;
const USUAL = { from: "now-3h", to: "now" };

/**
 * Lengths of steps, of which a chart takes the shortest that gives few enough points.
 * @type {{seconds: number[], most_points: number}}
 */
const STEPS = told("steps");
/** @type {Range} */
let current = told("range");
let isGoing = false;

/**
 * What the server says of every page.
 * @param {string} name
 */
function told(name) {
  return JSON.parse(document.querySelector(`meta[name=hydrant-${name}]`)?.getAttribute("content") ?? "");
}

/**
 * Whether it is the range of pages whose URL names none.
 * @param {{from: string, to: string}} range
 */
export function isUsual(range) {
  return range.from === USUAL.from && range.to === USUAL.to;
}

/**
 * The range in the query of a URL; the usual one stands for what is not there.
 * @param {URLSearchParams} query
 */
export function rangeIn(query) {
  return { from: query.get("from") || USUAL.from, to: query.get("to") || USUAL.to };
}

/**
 * Puts the range that is shown into the query of a URL, as links between pages have it.
 * @param {URLSearchParams} query
 */
export function carryRange(query) {
  for (const name of /** @type {const} */ (["from", "to"])) {
    if (isUsual(current)) query.delete(name);
    else query.set(name, current[name]);
  }
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
  const wanted = (range.to_ms - range.from_ms) / 1000 / STEPS.most_points;
  return STEPS.seconds.find((step) => step >= wanted) ?? Math.ceil(wanted / DAY_S) * DAY_S;
}

/** Moves a live range to where the clock is; whether it moved. */
export function advance() {
  if (!current.live) return false;
  const end = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
  if (end <= current.to_ms) return false;
  current = { ...current, from_ms: current.from_ms + end - current.to_ms, to_ms: end };
  return true;
}

/**
 * Shows a fixed range.
 * @param {number} fromMs
 * @param {number} toMs
 */
export function zoom(fromMs, toMs) {
  const from = Math.floor(fromMs / MINUTE_MS) * MINUTE_MS;
  const to = Math.max(Math.ceil(toMs / MINUTE_MS) * MINUTE_MS, from + 2 * MINUTE_MS);
  go({ from_ms: from, to_ms: to, live: false, from: String(from), to: String(to) });
}

/** Shows twice as much: before its end where that is now, or else around the middle. */
export function widen() {
  const { from_ms: from, to_ms: to, live } = current;
  const length = to - from;
  if (live) {
    const [, count, unit] = /^now-(\d+)([mhdw])$/.exec(current.from) ?? [];
    const text = count ? `now-${2 * Number(count)}${unit}` : `now-${Math.round((2 * length) / MINUTE_MS)}m`;
    go({ ...current, from_ms: Math.max(to - 2 * length, 0), from: text });
    return;
  }
  const end = Math.min(to + length / 2, Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS);
  zoom(Math.max(end - 2 * length, 0), end);
}

/**
 * Shows another range: into the URL, so that going back shows the one before, and to all of the page.
 * @param {Range} range
 */
function go(range) {
  // Charts that share a cursor all tell of one drag.
  if (isGoing) return;
  isGoing = true;
  setTimeout(() => (isGoing = false));
  // The first one of the history has no state of ours yet.
  if (!isRange(history.state)) history.replaceState(current, "", location.href);
  const before = current;
  current = range;
  const url = new URL(location.href);
  url.searchParams.set("from", range.from);
  url.searchParams.set("to", range.to);
  history.pushState(range, "", url);
  tell(before);
}

/** @param {Range} before */
function tell(before) {
  document.dispatchEvent(new CustomEvent("hydrant:range", { detail: { range: current, before } }));
}

/**
 * @param {unknown} state
 * @returns {state is Range}
 */
function isRange(state) {
  return typeof state === "object" && state !== null && "from_ms" in state && "from" in state;
}

addEventListener("popstate", (event) => {
  if (!isRange(event.state)) return;
  const before = current;
  current = event.state;
  advance();
  tell(before);
});
