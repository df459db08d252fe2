// @ts-check
// The list of a chart's series below it: what each is called, its value at the cursor, its highest, on or
// off; above it the time of the cursor.

import { momentText } from "../times.js";
import { keysOf } from "./legends.js";
import { swatchOf } from "./palette.js";
import { valueText } from "./units.js";

const FIRST = 8;
const LAST = "Last values";

/**
 * @typedef {object} Choice what a reader chose among the series
 * @property {Set<string>} hidden keys of the series that are not drawn, as `keysOf` makes them
 * @property {boolean} all whether the legend lists more than the first
 */

/**
 * @param {import("./columns.js").Drawn} drawn
 * @param {string} unit
 * @param {Choice} choice changed when the reader chooses
 * @param {() => void} onChoice
 */
export function legend(drawn, unit, choice, onChoice) {
  const list = document.createElement("ul");
  list.className = "legend";
  const keys = keysOf(drawn.series);
  const rows = drawn.series.map((each, place) => {
    const key = keys[place] ?? "";
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(!choice.hidden.has(key)));
    button.title = "Show or hide this series";
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = each.legend;
    const value = document.createElement("span");
    value.className = "value";
    const most = document.createElement("span");
    most.className = "most";
    most.textContent = `max ${valueText(mostOf(each.values), unit)}`;
    button.append(swatchOf(place), name, value, most);
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      if (shown) choice.hidden.delete(key);
      else choice.hidden.add(key);
      onChoice();
    });
    item.append(button);
    item.hidden = place >= FIRST && !choice.all;
    return { item, value };
  });
  list.append(...rows.map((row) => row.item));
  if (rows.length > FIRST && !choice.all) list.append(moreButton(rows, choice));
  const moment = document.createElement("p");
  moment.className = "moment";
  /** @param {number | null} place a place in the times; null for the last value of each */
  const showValues = (place) => {
    const time = place === null ? undefined : drawn.times[place];
    moment.textContent = time === undefined ? LAST : momentText(time * 1000);
    for (const [number, row] of rows.entries()) {
      const values = drawn.series[number]?.values ?? [];
      const value = place === null ? lastOf(values) : values[place];
      row.value.textContent = valueText(value, unit);
    }
  };
  showValues(null);
  const element = document.createElement("div");
  element.append(moment, list);
  return { element, showValues };
}

/** @param {{item: HTMLElement}[]} rows @param {Choice} choice */
function moreButton(rows, choice) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `${rows.length - FIRST} more`;
  button.addEventListener("click", () => {
    choice.all = true;
    for (const row of rows) row.item.hidden = false;
    item.remove();
    rows[FIRST]?.item.querySelector("button")?.focus();
  });
  item.append(button);
  return item;
}

/** @param {(number | null | undefined)[]} values */
function lastOf(values) {
  return values.findLast((value) => typeof value === "number") ?? null;
}

/** @param {(number | null | undefined)[]} values @returns {number | null} */
function mostOf(values) {
  return values.reduce((/** @type {number | null} */ most, value) => (typeof value === "number" && (most === null || value > most) ? value : most), null);
}
