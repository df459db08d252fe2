// @ts-check
// What the menu of a chart offers.

import { filledIn } from "./asking.js";
import { legendsAt } from "./legends.js";
import { copy } from "./menu.js";
import { shownRange, stepOf } from "./range.js";
import { whyAddress } from "./why.js";

/** @typedef {import("./chart.js").Chart} Chart */

/**
 * @param {Chart} chart
 * @returns {import("./menu.js").Entry[]}
 */
export function entriesOf(chart) {
  const range = shownRange();
  const expressions = chart.spec.queries.map((query) => filledIn(query.expression, range, stepOf(range)));
  const address = whyOf(chart);
  return [
    ...shapesOf(chart),
    { text: "Copy PromQL", run: () => void copy(expressions.join("\n")) },
    { text: "Open in Explore", address: () => exploreAddress(chart) },
    ...(address ? [{ text: "Why this number?", address: () => address }] : []),
  ];
}

/** @param {Chart} chart @returns {import("./menu.js").Entry[]} */
function shapesOf(chart) {
  if (chart.spec.type === "table") return [];
  if (chart.shape !== "chart") return [{ text: "As chart", run: () => chart.showAs("chart") }];
  /** @type {import("./menu.js").Entry[]} */
  const entries = [{ text: "As table", run: () => chart.showAs("table") }];
  const { series, leftOut } = chart.drawn ?? { series: [], leftOut: 0 };
  if (leftOut) entries.push({ text: `All ${series.length + leftOut} series as table`, run: () => chart.showAs("series") });
  return entries;
}

/** @param {Chart} chart */
function exploreAddress(chart) {
  const parameters = new URLSearchParams(chart.spec.queries.map((query) => ["q", query.expression]));
  const shown = new URLSearchParams(location.search);
  for (const name of ["from", "to"]) {
    const value = shown.get(name);
    if (value) parameters.set(name, value);
  }
  return `/explore?${parameters}`;
}

/**
 * Where the number at the cursor is explained, or else the last one of the first series that is shown.
 * @param {Chart} chart
 */
function whyOf(chart) {
  if (!chart.drawn) {
    const answer = chart.answers?.of_queries[0];
    const series = answer?.series[0];
    return answer && series ? whyAddress(answer.expression, series.metric, shownRange().to_ms) : "";
  }
  const at = chart.cursor === null ? -1 : chart.drawn.times.indexOf(chart.cursor);
  const place = at < 0 ? chart.drawn.times.length - 1 : at;
  const hidden = legendsAt(chart.drawn.series, chart.choice.hidden);
  const shown = chart.drawn.series.filter((each) => !hidden.has(each.legend));
  const series = shown.find((each) => typeof each.values[place] === "number") ?? shown[0];
  if (!series) return "";
  const found = typeof series.values[place] === "number" ? place : series.values.findLastIndex((value) => typeof value === "number");
  return whyAddress(series.expression, series.labels, (chart.drawn.times[found] ?? 0) * 1000);
}
