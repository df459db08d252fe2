// @ts-check
// What charts ask the Prometheus API: an expression over a range or at its end.

import { answerTo, Refused } from "./questions.js";

/** @typedef {{metric: Record<string, string>, values: [number, string][]}} Series */
/** @typedef {{series: Series[], notes: string[]}} Answer */

/**
 * @param {import("./questions.js").Question} question
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
async function ask(question, signal) {
  const content = await answerTo(question, signal);
  if (content.status !== "success") throw new Refused(content.error ?? "The server did not say what is wrong.");
  const notes = [...(content.warnings ?? []), ...(content.infos ?? [])];
  return { series: seriesOf(content.data), notes };
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
  return ask({ query, start: Math.min(start, end), end, step }, signal);
}

/**
 * One value of each series, at the end of a range.
 * @param {string} query
 * @param {import("./range.js").Range} range
 * @param {AbortSignal} signal
 */
export function askInstant(query, range, signal) {
  return ask({ query, time: range.to_ms / 1000 }, signal);
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
