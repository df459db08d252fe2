// @ts-check
// Axes and scales of a chart: times in UTC or local, values from a sensible zero.

import uPlot from "../vendor/uplot/uPlot.js";
import { timesAreLocal } from "../times.js";
import { colour } from "./palette.js";
import { axisText } from "./units.js";

/** @typedef {import("./chart.js").Chart} Chart */

const FONT = '12px system-ui, "DejaVu Sans", sans-serif';
const CHARACTER = 7;
const MONTH = new Intl.DateTimeFormat("en-GB", { month: "short" });
/** The part of what is seen that stays empty at an end. */
const MARGIN = 0.08;

/** Makes a Date of seconds, whose parts are those of the time zone in which times are shown.
 * @param {number} time
 */
export function dateOf(time) {
  const date = new Date(time * 1000);
  return timesAreLocal() ? date : uPlot.tzDate(date, "Etc/UTC");
}

/**
 * @param {string} unit
 * @returns {uPlot.Axis[]}
 */
export function axesOf(unit) {
  const lines = { stroke: colour("border"), width: 1 };
  return [
    { stroke: colour("muted"), font: FONT, grid: lines, ticks: lines, space: 70, values: timeTexts },
    {
      stroke: colour("muted"),
      font: FONT,
      grid: lines,
      ticks: { show: false },
      space: 32,
      values: (_, values) => values.map((value) => axisText(value, unit)),
      size: (_, texts) => 14 + CHARACTER * Math.max(2, ...(texts ?? []).map((text) => text.length)),
    },
  ];
}

/**
 * Hours and minutes; the date where a day begins, and at the first place.
 * @param {uPlot} _
 * @param {number[]} times
 * @param {number} __
 * @param {number} ___
 * @param {number} apart seconds between two places
 */
function timeTexts(_, times, __, ___, apart) {
  let before = "";
  return times.map((time) => {
    const date = dateOf(time);
    const day = `${MONTH.format(date)} ${date.getDate()}`;
    const clock = `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
    const isNew = day !== before;
    before = day;
    if (apart >= 86_400) return day;
    return isNew || clock === "00:00" ? `${clock}\n${day}` : clock;
  });
}

/**
 * The range of the values' axis: from the minimum, unless values are below; to the maximum, or to
 * what is to be seen. A threshold is seen when values come near it.
 * @param {{type: string, stacked: boolean, minimum: number | null, maximum: number | null, thresholds: {value: number}[]}} chart
 * @returns {uPlot.Scale.Range}
 */
export function valuesRange(chart) {
  return (_, least, most) => {
    const low = chart.minimum === null ? lowest(chart, least, most) : Math.min(chart.minimum, least ?? chart.minimum);
    let high = most ?? 0;
    for (const { value } of chart.thresholds) {
      if (value > high && high >= value / 3) high = value * 1.05;
    }
    high = high > low ? high + (high - low) * MARGIN : low + 1;
    if (chart.maximum !== null && chart.maximum > low && (most ?? 0) <= chart.maximum) high = chart.maximum;
    return [low, high];
  };
}

/**
 * Where an axis begins that leaves it to the data. What is read by its height begins at zero.
 * @param {{type: string, stacked: boolean}} chart
 * @param {number | null} least
 * @param {number | null} most
 */
function lowest(chart, least, most) {
  if (least === null || most === null) return 0;
  if (chart.stacked || chart.type === "bars") return Math.min(0, least);
  const low = least - ((most - least) || Math.abs(least)) * MARGIN;
  return least >= 0 ? Math.max(0, low) : low;
}
