// @ts-check
// All charts of a page: found when they come, asked when they are seen, kept up to date.

import { Chart } from "./chart.js";
import { advance, shownRange } from "./range.js";

const SHORT_RANGE_MS = 20 * 60_000;

/** @type {Map<Element, Chart>} */
const charts = new Map();
/** @type {Set<Chart>} */
const seen = new Set();
/** @type {Set<Chart>} those whose answers are of the range that is shown */
const current = new Set();
/** @type {Map<Chart, Promise<boolean>>} questions under way */
const pending = new Map();

const watching = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const chart = charts.get(entry.target);
      if (!chart) continue;
      if (entry.isIntersecting) {
        seen.add(chart);
        refresh(chart);
      } else seen.delete(chart);
    }
  },
  { rootMargin: "200px" },
);

/**
 * Asks what has not been answered for the range that is shown. A question under way is waited for: a
 * slow server would otherwise be asked again and again, and never heard.
 * @param {Chart} chart
 */
function refresh(chart) {
  if (current.has(chart) || pending.has(chart)) return;
  const question = chart.ask();
  pending.set(chart, question);
  void question.then((done) => {
    if (pending.get(chart) !== question) return;
    pending.delete(chart);
    if (done) current.add(chart);
  });
}

/** Another range is shown: what is asked for the one before is given up. */
function refreshAll() {
  current.clear();
  pending.clear();
  for (const chart of charts.values()) chart.giveUp();
  for (const chart of seen) refresh(chart);
}

function redraw() {
  for (const chart of charts.values()) chart.draw();
}

/** Takes up figures that have come and lets go of those that have gone. */
function look() {
  for (const [figure, chart] of charts) {
    if (figure.isConnected) continue;
    watching.unobserve(figure);
    chart.end();
    charts.delete(figure);
    seen.delete(chart);
    current.delete(chart);
    pending.delete(chart);
  }
  for (const figure of document.querySelectorAll("figure.chart[data-chart]")) {
    if (!(figure instanceof HTMLElement) || charts.has(figure)) continue;
    charts.set(figure, new Chart(figure));
    watching.observe(figure);
  }
}

/** Milliseconds until a live page asks again. */
function pause() {
  const { from_ms: from, to_ms: to } = shownRange();
  return to - from <= SHORT_RANGE_MS ? 10_000 : 60_000;
}

function tick() {
  setTimeout(tick, pause());
  if (document.visibilityState !== "visible") return;
  // A minute's data goes on coming after its end, so that a live range is asked again anyway; another
  // one only where the server could not be asked.
  if (shownRange().live) {
    advance();
    current.clear();
  }
  for (const chart of seen) refresh(chart);
}

/** Begins; once a page. */
export function startCharts() {
  look();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("hydrant:range", refreshAll);
  document.addEventListener("hydrant:theme", redraw);
  document.addEventListener("hydrant:times", redraw);
  setTimeout(tick, pause());
}

startCharts();
