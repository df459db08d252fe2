// @ts-check
// What stands behind the lines of a chart: thresholds with the bands beyond them, marks of people,
// and strips where alarms fired.

import { colour, translucent } from "./palette.js";

const LABEL_FONT = 11;
/** Pixels of the strips at the top: where alarms fired, critical ones above the others. */
const STRIP = 4;

/**
 * Draws onto the canvas after the grid and before the series.
 * @param {import("../vendor/uplot/uPlot.js")} plot
 * @param {import("./chart.js").Spec} spec
 * @param {import("./marks.js").Mark[]} marks
 */
export function decorate(plot, spec, marks) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${LABEL_FONT * ratio}px system-ui, sans-serif`;
  ctx.lineWidth = ratio;
  for (const threshold of spec.thresholds) {
    const top = plot.scales["y"]?.max ?? 0;
    if (threshold.value > top) continue;
    const y = plot.valToPos(threshold.value, "y", true);
    const shade = colour(threshold.severity);
    ctx.fillStyle = translucent(shade, 0.07);
    if (threshold.below) ctx.fillRect(bbox.left, y, bbox.width, Math.max(0, bbox.top + bbox.height - y));
    else ctx.fillRect(bbox.left, bbox.top, bbox.width, Math.max(0, y - bbox.top));
    ctx.strokeStyle = shade;
    ctx.setLineDash([4 * ratio, 4 * ratio]);
    line(ctx, bbox.left, y, bbox.left + bbox.width, y);
    ctx.fillStyle = shade;
    // At the left: what fires now has its strip at the right.
    ctx.textAlign = "left";
    ctx.fillText(threshold.label || String(threshold.value), bbox.left + 4 * ratio, y - 3 * ratio);
  }
  for (const mark of marks) {
    const x = plot.valToPos(mark.from_ms / 1000, "x", true);
    const shade = colour(mark.severity);
    if (mark.severity !== "accent") {
      const end = plot.valToPos((mark.to_ms ?? mark.from_ms) / 1000, "x", true);
      const top = mark.severity === "critical" ? 0 : STRIP * 1.4;
      ctx.fillStyle = shade;
      ctx.fillRect(x, bbox.top + top * ratio, Math.max(end - x, 2 * ratio), STRIP * ratio);
      continue;
    }
    if (mark.to_ms !== null && mark.to_ms > mark.from_ms) {
      const end = plot.valToPos(mark.to_ms / 1000, "x", true);
      ctx.fillStyle = translucent(shade, 0.1);
      ctx.fillRect(x, bbox.top, end - x, bbox.height);
    }
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = shade;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    line(ctx, x, bbox.top, x, bbox.top + bbox.height);
    ctx.fillStyle = shade;
    ctx.textAlign = "left";
    ctx.fillText(shortened(mark.text), x + 3 * ratio, bbox.top + (2 * STRIP + LABEL_FONT) * ratio);
  }
  ctx.restore();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 * @param {number} endX
 * @param {number} endY
 */
function line(ctx, x, y, endX, endY) {
  ctx.beginPath();
  ctx.moveTo(Math.round(x) + 0.5, Math.round(y) + 0.5);
  ctx.lineTo(Math.round(endX) + 0.5, Math.round(endY) + 0.5);
  ctx.stroke();
}

/** @param {string} text */
function shortened(text) {
  return text.length > 24 ? `${text.slice(0, 23)}…` : text;
}
