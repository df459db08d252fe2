// @ts-check
// The numbers of a chart as a table, exactly as the server gave them.

import { momentText } from "../times.js";
import { legendOf } from "./legends.js";
import { valueText } from "./units.js";

const MOST_ROWS = 500;
const NAME = "__name__";

/** @param {string} kind @param {string} text @param {string} [className] */
function cell(kind, text, className = "") {
  const element = document.createElement(kind);
  if (kind === "th") element.setAttribute("scope", className === "row" ? "row" : "col");
  if (className && className !== "row") element.className = className;
  element.textContent = text;
  return element;
}

/** @param {string} caption @param {Element[]} heads @param {Element[][]} rows @param {boolean} [isTitle] */
function tableOf(caption, heads, rows, isTitle = false) {
  const scroll = document.createElement("div");
  scroll.className = "scroll";
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", caption);
  const table = document.createElement("table");
  table.className = "data";
  const named = table.createCaption();
  named.textContent = caption;
  named.classList.toggle("visually-hidden", isTitle);
  table.createTHead().insertRow().append(...heads);
  const body = table.createTBody();
  for (const row of rows) body.insertRow().append(...row);
  scroll.append(table);
  return scroll;
}

/** @param {number | null | undefined} value */
function exact(value) {
  return typeof value === "number" ? String(value) : "–";
}

/**
 * Times down, series across, newest first.
 * @param {string} title
 * @param {import("./columns.js").Drawn} drawn
 */
export function tableOfTimes(title, drawn) {
  const places = [...drawn.times.keys()].reverse().filter((place) => drawn.series.some((each) => typeof each.values[place] === "number"));
  const shown = places.slice(0, MOST_ROWS);
  const rows = shown.map((place) => [
    cell("th", momentText((drawn.times[place] ?? 0) * 1000), "row"),
    ...drawn.series.map((each) => cell("td", exact(each.values[place]), "number")),
  ]);
  const left = places.length - shown.length;
  const caption = `${title}: ${shown.length} steps, newest first, each at its end${left ? `; ${left} older ones are left out` : ""}`;
  return tableOf(caption, [cell("th", "Time"), ...drawn.series.map((each) => cell("th", each.legend, "number"))], rows);
}

/**
 * One row of each set of labels, a column of each query.
 * @param {string} title
 * @param {{series: import("./asking.js").Series[], legend: string}[]} answers
 * @param {string} unit
 * @param {boolean} [isTitle] whether the title stands above it already
 */
export function tableOfSeries(title, answers, unit, isTitle = false) {
  /** @type {Map<string, {labels: Record<string, string>, values: (number | undefined)[]}>} */
  const found = new Map();
  // Columns of several metrics have one row for each set of labels; several metrics in one column do not.
  const named = answers.some((answer) => new Set(answer.series.map((each) => each.metric[NAME])).size > 1);
  for (const [column, answer] of answers.entries()) {
    for (const each of answer.series) {
      const { [NAME]: _, ...others } = each.metric;
      const labels = named ? each.metric : others;
      const key = JSON.stringify(Object.entries(labels).sort());
      const row = found.get(key) ?? { labels, values: [] };
      row.values[column] = Number(each.values.at(-1)?.[1]);
      found.set(key, row);
    }
  }
  const names = [...new Set([...found.values()].flatMap((row) => Object.keys(row.labels)))].sort((a, b) => Number(b === NAME) - Number(a === NAME) || (a < b ? -1 : 1));
  const heads = [
    ...names.map((name) => cell("th", name === NAME ? "Metric" : name)),
    ...answers.map((answer, place) => cell("th", legendOf(answer.legend.replaceAll(/\{\{[^}]*\}\}/g, ""), { __name__: answers.length > 1 ? `value ${place + 1}` : "value" }), "number")),
  ];
  const rows = [...found.values()]
    .sort((a, b) => (b.values[0] ?? -Infinity) - (a.values[0] ?? -Infinity))
    .slice(0, MOST_ROWS)
    .map((row) => [
      ...names.map((name) => cell("td", row.labels[name] ?? "")),
      ...answers.map((_, place) => cell("td", valueText(row.values[place], unit), "number")),
    ]);
  const left = found.size - rows.length;
  return tableOf(`${title}${left > 0 ? `; ${left} rows with smaller values are left out` : ""}`, heads, rows, isTitle && left <= 0);
}
