// @ts-check
// Axes and scales of a chart: times in UTC or local, values from a sensible zero.

import uPlot from "../vendor/uplot/uPlot.js";
import { timesAreLocal } from "../times.js";
import { colour } from "./palette.js";
import { axisText } from "./units.js";

/** @typedef {import("./chart.js").Chart} Chart */

const FONT = '12px system-ui, "DejaVu Sans", sans-serif';
const CHARACTER = 7;

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
    const day = `${date.toLocaleString("en-GB", { month: "short" })} ${date.getDate()}`;
    const clock = `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
    const isNew = day !== before && before !== "";
    before = day;
    if (apart >= 86_400) return day;
    return isNew || clock === "00:00" ? `${clock}\n${day}` : clock;
  });
}

/**
 * The range of the values' axis: from zero, unless values are below; to what is to be seen. A
 * threshold is seen when values come near it.
 * @param {{minimum: number | null, maximum: number | null, thresholds: {value: number}[]}} chart
 * @returns {uPlot.Scale.Range}
 */
export function valuesRange(chart) {
  return (_, least, most) => {
    let low = chart.minimum ?? Math.min(0, least ?? 0);
    let high = most ?? 0;
    if (least !== null && least < low) low = least;
    for (const { value } of chart.thresholds) {
      if (value > high && high >= value / 3) high = value * 1.05;
    }
    high = high > low ? high + (high - low) * 0.08 : low + 1;
    if (chart.maximum !== null && high < chart.maximum) high = chart.maximum;
    return [low, high];
  };
}
