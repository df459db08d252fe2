// @ts-check
// The list of a chart's series below it: what each is called, its value at the cursor, on or off.

import { lineOf } from "./palette.js";
import { valueText } from "./units.js";

const FIRST = 8;

/**
 * @param {import("./columns.js").Drawn} drawn
 * @param {string} unit
 * @param {(place: number, shown: boolean) => void} onToggle
 */
export function legend(drawn, unit, onToggle) {
  const list = document.createElement("ul");
  list.className = "legend";
  const rows = drawn.series.map((each, place) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    button.title = "Show or hide this series";
    const { stroke, pattern } = lineOf(place);
    const swatch = document.createElement("span");
    swatch.className = `swatch pattern-${pattern}`;
    swatch.style.setProperty("--line", stroke);
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = each.legend;
    const value = document.createElement("span");
    value.className = "value";
    button.append(swatch, name, value);
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      onToggle(place, shown);
    });
    item.append(button);
    item.hidden = place >= FIRST;
    return { item, value };
  });
  list.append(...rows.map((row) => row.item));
  if (rows.length > FIRST) list.append(moreButton(rows));
  /** @param {number | null} place a place in the times; null for the last value of each */
  const showValues = (place) => {
    for (const [number, row] of rows.entries()) {
      const values = drawn.series[number]?.values ?? [];
      const value = place === null ? lastOf(values) : values[place];
      row.value.textContent = valueText(value, unit);
    }
  };
  showValues(null);
  return { element: list, showValues };
}

/** @param {{item: HTMLElement}[]} rows */
function moreButton(rows) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `${rows.length - FIRST} more`;
  button.addEventListener("click", () => {
    for (const row of rows) row.item.hidden = false;
    item.remove();
  });
  item.append(button);
  return item;
}

/** @param {(number | null | undefined)[]} values */
export function lastOf(values) {
  return values.findLast((value) => typeof value === "number") ?? null;
}
