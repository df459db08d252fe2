// @ts-check
// One big number of each series.

import { legendsOf } from "./legends.js";
import { valueText } from "./units.js";

const MOST = 12;

/**
 * @param {{series: import("./asking.js").Series[], legend: string, expression: string}[]} answers
 * @param {import("./chart.js").Spec} spec
 */
export function stats(answers, spec) {
  const all = answers.flatMap((answer) => answer.series.map((each) => ({ template: answer.legend, labels: each.metric, expression: answer.expression, value: Number(each.values.at(-1)?.[1]) })));
  const names = legendsOf(all);
  const list = document.createElement("ul");
  list.className = "stats";
  for (const [place, each] of all.slice(0, MOST).entries()) {
    const item = document.createElement("li");
    const reached = spec.thresholds.filter((threshold) => !threshold.below && each.value >= threshold.value).sort((a, b) => b.value - a.value)[0];
    const value = document.createElement("strong");
    value.textContent = valueText(each.value, spec.unit);
    item.append(value);
    if (reached) {
      const state = document.createElement("span");
      state.className = `state ${reached.severity}`;
      state.textContent = reached.label || `from ${reached.value}`;
      item.append(state);
    }
    if (all.length > 1 || answers.length > 1) {
      const name = document.createElement("span");
      name.className = "name";
      name.textContent = names[place] ?? "";
      item.append(name);
    }
    list.append(item);
  }
  if (all.length <= MOST) return list;
  const shown = document.createElement("div");
  const note = document.createElement("p");
  note.className = "note";
  note.textContent = `${MOST} of ${all.length} shown; “As table” in the menu has more.`;
  shown.append(list, note);
  return shown;
}
