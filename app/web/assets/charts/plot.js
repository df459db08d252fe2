// @ts-check
// The drawing of a chart's columns: uPlot with our axes, thresholds, marks, and one cursor for all.

import uPlot from "../vendor/uplot/uPlot.js";
import { axesOf, dateOf, valuesRange } from "./axes.js";
import { stackedColumns } from "./columns.js";
import { decorate } from "./decorations.js";
import { lineOf, translucent } from "./palette.js";

/** @typedef {import("./chart.js").Spec} Spec */
/** @typedef {import("./columns.js").Drawn} Drawn */

const SYNC = "hydrant";
const LEAST_ZOOM_PIXELS = 6;

/**
 * @typedef {object} Ears
 * @property {(place: number | null) => void} onCursor a place in the times, null outside
 * @property {(fromMs: number, toMs: number) => void} onZoom
 * @property {() => void} onWiden
 */

/**
 * Draws into an element, whose width and height it takes.
 * @param {HTMLElement} element
 * @param {Spec} spec
 * @param {Drawn} drawn
 * @param {{range: import("./range.js").Range, marks: () => import("./marks.js").Mark[], hidden: Set<string>}} shown
 * @param {Ears} ears
 */
export function plot(element, spec, drawn, shown, ears) {
  const stacked = spec.stacked && drawn.series.length > 1;
  const own = drawn.series.map((each) => each.values);
  const visible = [...drawn.series.keys()].filter((place) => !shown.hidden.has(drawn.series[place]?.legend ?? ""));
  const columns = stacked ? stackedColumns(own, visible) : own;
  const bars = spec.type === "bars";
  const [from, to] = [shown.range.from_ms / 1000, shown.range.to_ms / 1000];
  const instance = new uPlot(
    {
      width: Math.max(120, element.clientWidth),
      height: Math.max(120, element.clientHeight),
      tzDate: dateOf,
      legend: { show: false },
      cursor: {
        // The others follow the cursor alone: a drag zooms once for all, and not once in each of them.
        sync: { key: SYNC, scales: ["x", null], setSeries: false, filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
        drag: { x: true, y: false, setScale: false },
        points: { size: 6 },
        bind: { dblclick: () => () => (ears.onWiden(), null) },
      },
      scales: { x: { time: true, range: () => [from, to] }, y: { range: valuesRange(spec) } },
      axes: axesOf(spec.unit),
      // The lowest one of a stack is drawn last, over the others.
      series: [{}, ...columns.map((_, place) => ({ ...seriesOf(place, spec, bars, stacked), show: visible.includes(place) }))],
      bands: stacked ? visible.slice(1).map((place, below) => ({ series: /** @type {[number, number]} */ ([place + 1, (visible[below] ?? 0) + 1]) })) : [],
      hooks: {
        drawAxes: [(self) => decorate(self, spec, shown.marks())],
        setCursor: [(self) => ears.onCursor(self.cursor.idx ?? null)],
        setSelect: [
          (self) => {
            const { left, width } = self.select;
            if (width < LEAST_ZOOM_PIXELS) return;
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            ears.onZoom(self.posToVal(left, "x") * 1000, self.posToVal(left + width, "x") * 1000);
          },
        ],
      },
    },
    /** @type {uPlot.AlignedData} */ ([drawn.times, ...columns]),
    element,
  );
  instance.root.querySelector("canvas")?.setAttribute("aria-hidden", "true");
  return instance;
}

/**
 * @param {number} place
 * @param {Spec} spec
 * @param {boolean} bars
 * @param {boolean} stacked
 * @returns {uPlot.Series}
 */
function seriesOf(place, spec, bars, stacked) {
  const { stroke, dash } = lineOf(place);
  const filled = stacked || bars || spec.type === "area";
  /** @type {uPlot.Series} */
  const series = { stroke, width: 1.6, dash, points: { show: true, size: 4, filter: alone }, spanGaps: false };
  if (filled) series.fill = translucent(stroke, bars ? 0.75 : stacked ? 0.45 : 0.18);
  if (bars && uPlot.paths.bars) series.paths = uPlot.paths.bars({ size: [0.8, 40, 1], align: -1 });
  if (bars) series.points = { show: false };
  return series;
}

/**
 * The places of values between two gaps, which a line would not show.
 * @param {uPlot} self
 * @param {number} number
 * @returns {number[]}
 */
function alone(self, number) {
  const values = self.data[number] ?? [];
  const isGap = (/** @type {number} */ place) => place < 0 || place >= values.length || values[place] === null;
  return Array.from(values.keys()).filter((place) => typeof values[place] === "number" && isGap(place - 1) && isGap(place + 1));
}
