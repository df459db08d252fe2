// @ts-check
// Series as columns over one axis of times, as uPlot takes them. Pure.

import { legendsOf } from "./legends.js";

/**
 * @typedef {object} Drawn
 * @property {number[]} times seconds, ascending: every step of the range
 * @property {{legend: string, labels: Record<string, string>, expression: string, values: (number | null | undefined)[]}[]} series
 *   a value at each time; null is a gap, undefined lies between two values that belong together
 * @property {number} leftOut how many series are not drawn
 */

export const MOST_SERIES = 30;
const FEW_SERIES = 8;
/** The share of distances between values that have to be the usual one; a long one give or take a step. */
const REGULAR = 0.75;

/**
 * @param {{series: import("./asking.js").Series[], legend: string, expression: string}[]} answers
 * @param {import("./range.js").Range} range
 * @param {number} step seconds
 * @returns {Drawn}
 */
export function columnsOf(answers, range, step) {
  const first = (Math.floor(range.from_ms / 1000 / step) + 1) * step;
  const count = Math.max(1, Math.floor((range.to_ms / 1000 - first) / step) + 1);
  const times = Array.from({ length: count }, (_, place) => first + place * step);
  const all = answers.flatMap((answer) =>
    answer.series.map((each) => ({
      template: answer.legend,
      labels: each.metric,
      expression: answer.expression,
      values: placed(each.values, first, step, count),
    })),
  );
  const kept = greatest(all);
  const legends = legendsOf(kept);
  const series = kept.map((each, place) => ({
    legend: legends[place] ?? "",
    labels: each.labels,
    expression: each.expression,
    values: joined(each.values),
  }));
  return { times, series, leftOut: all.length - kept.length };
}

/**
 * @param {[number, string][]} values
 * @param {number} first
 * @param {number} step
 * @param {number} count
 * @returns {(number | null)[]}
 */
function placed(values, first, step, count) {
  /** @type {(number | null)[]} */
  const column = new Array(count).fill(null);
  for (const [time, text] of values) {
    const place = Math.round((time - first) / step);
    const value = Number(text);
    // What is not a number, or not finite, has no place on an axis.
    if (place >= 0 && place < count && Number.isFinite(value)) column[place] = value;
  }
  return column;
}

/**
 * Joins values that come regularly but less often than the steps: a metric of every five minutes is
 * one line over steps of a minute. What is further apart than half of the usual distance more is a
 * gap, and what comes now and then is not joined at all.
 * @param {(number | null)[]} values
 * @returns {(number | null | undefined)[]}
 */
export function joined(values) {
  const places = values.flatMap((value, place) => (value === null ? [] : [place]));
  const distances = places.slice(1).map((place, number) => place - (places[number] ?? 0));
  const usual = [...distances].sort((a, b) => a - b)[Math.floor((distances.length - 1) / 2)] ?? 1;
  const regular = distances.filter((distance) => Math.abs(distance - usual) <= (usual > 2 ? 1 : 0)).length;
  if (usual <= 1 || distances.length < 2 || regular < distances.length * REGULAR) return values;
  /** @type {(number | null | undefined)[]} */
  const result = [...values];
  for (const [number, distance] of distances.entries()) {
    const start = places[number] ?? 0;
    if (distance <= usual * 1.5) result.fill(undefined, start + 1, start + distance);
  }
  return result;
}

/**
 * Few series in the order in which they came; of many those with the greatest values, these first.
 * @template {{values: (number | null)[]}} T
 * @param {T[]} all
 * @returns {T[]}
 */
function greatest(all) {
  if (all.length <= FEW_SERIES) return all;
  const peaks = new Map(all.map((each) => [each, each.values.reduce((/** @type {number} */ most, value) => Math.max(most, Math.abs(value ?? 0)), 0)]));
  return [...all].sort((a, b) => (peaks.get(b) ?? 0) - (peaks.get(a) ?? 0)).slice(0, MOST_SERIES);
}

/**
 * Columns on top of each other; where one has no value it adds nothing, and between two of its values
 * that belong together it adds what the line between them has there.
 * @param {(number | null | undefined)[][]} columns
 * @param {number[]} visible the places of those that are in the stack; others are empty
 * @returns {(number | null | undefined)[][]}
 */
export function stackedColumns(columns, visible) {
  const length = columns[0]?.length ?? 0;
  const total = new Array(length).fill(0);
  const shown = new Set(visible);
  const kinds = Array.from({ length }, (_, place) => {
    const here = visible.map((column) => columns[column]?.[place]);
    if (here.some((value) => typeof value === "number")) return "number";
    return here.includes(undefined) ? "between" : "gap";
  });
  return columns.map((column, number) => {
    const whole = interpolated(column);
    return total.map((_, place) => {
      if (!shown.has(number) || kinds[place] === "gap") return null;
      total[place] += whole[place] ?? 0;
      return kinds[place] === "between" ? undefined : total[place];
    });
  });
}

/**
 * A column with what a straight line has between two values that belong together.
 * @param {(number | null | undefined)[]} column
 * @returns {(number | null)[]}
 */
function interpolated(column) {
  let last = 0;
  return column.map((value, place) => {
    if (value !== undefined) {
      last = place;
      return value;
    }
    const next = column.findIndex((later, number) => number > place && later !== undefined);
    const [before, after] = [column[last] ?? 0, column[next] ?? 0];
    return before + ((after - before) * (place - last)) / (next - last);
  });
}
