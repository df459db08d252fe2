// @ts-check
// Questions to the Prometheus API: a few at a time, given up when nobody waits for them any more.

/** @typedef {{metric: Record<string, string>, values: [number, string][]}} Series */
/** @typedef {{series: Series[], notes: string[]}} Answer */

const AT_ONCE = 4;
/** What a proxy answers for a server that restarts, and a server that has too much to do. */
const BUSY = new Set([429, 502, 503, 504]);
const GOES_ON = "The chart goes on by itself as soon as it does.";
let running = 0;
/** @type {(() => void)[]} */
const waiting = [];

/** A question that failed, in words for whoever reads the chart. */
export class Refused extends Error {}

/** The server could not be asked, so that asking again may help. */
export class Unreachable extends Refused {}

async function turn() {
  if (running < AT_ONCE) {
    running += 1;
    return;
  }
  await /** @type {Promise<void>} */ (new Promise((resolve) => waiting.push(resolve)));
}

function done() {
  const next = waiting.shift();
  if (next) next();
  else running -= 1;
}

/**
 * @param {string} route `query` or `query_range`
 * @param {Record<string, string>} parameters
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
async function ask(route, parameters, signal) {
  await turn();
  try {
    signal.throwIfAborted();
    const request = { method: "POST", body: new URLSearchParams(parameters), headers: { Accept: "application/json" }, signal };
    const response = await fetch(`/prometheus/api/v1/${route}`, request).catch((error) => {
      throw error instanceof TypeError ? new Unreachable(`The server does not answer. ${GOES_ON}`) : error;
    });
    if (response.status === 401) {
      throw new Refused("You are no longer signed in. Reload the page to sign in again.");
    }
    const content = await response.json().catch(() => null);
    if (BUSY.has(response.status) && content?.errorType !== "timeout") {
      throw new Unreachable(`${content?.error ?? `The server cannot answer now (${response.status}).`} ${GOES_ON}`);
    }
    if (content === null) throw new Refused(`The server answered ${response.status} without data. Reload the page to try again.`);
    if (content.status !== "success") throw new Refused(content.error ?? `The server answered ${response.status}.`);
    const notes = [...(content.warnings ?? []), ...(content.infos ?? [])];
    return { series: seriesOf(content.data), notes };
  } finally {
    done();
  }
}

/**
 * Series of any kind of result.
 * @param {{resultType: string, result: any}} data
 * @returns {Series[]}
 */
function seriesOf(data) {
  if (data.resultType === "scalar") return [{ metric: {}, values: [data.result] }];
  if (data.resultType === "string") throw new Refused("The expression gives a text, which cannot be drawn.");
  return data.result.map((/** @type {any} */ each) => ({ metric: each.metric, values: each.values ?? [each.value] }));
}

/**
 * Values at the steps of a range: multiples of the step after its start, up to its end.
 * @param {string} query
 * @param {import("./range.js").Range} range
 * @param {number} step seconds
 * @param {AbortSignal} signal
 */
export function askRange(query, range, step, signal) {
  const start = (Math.floor(range.from_ms / 1000 / step) + 1) * step;
  const end = Math.floor(range.to_ms / 1000 / step) * step;
  return ask("query_range", { query, start: String(Math.min(start, end)), end: String(end), step: String(step) }, signal);
}

/**
 * One value of each series, at the end of a range.
 * @param {string} query
 * @param {import("./range.js").Range} range
 * @param {AbortSignal} signal
 */
export function askInstant(query, range, signal) {
  return ask("query", { query, time: String(range.to_ms / 1000) }, signal);
}

/**
 * An expression with durations for `$__interval` and `$__range`.
 * @param {string} expression
 * @param {import("./range.js").Range} range
 * @param {number} step
 */
export function filledIn(expression, range, step) {
  return expression
    .replaceAll(/\$__interval\b/g, `${step}s`)
    .replaceAll(/\$__range\b/g, `${Math.round((range.to_ms - range.from_ms) / 1000)}s`);
}
