// @ts-check
// Completion of an expression: a list below the text, as WAI-ARIA's combobox describes it.

import { labels, names, values } from "./vocabulary.js";
import { writingAt } from "./writing.js";

/** @typedef {import("./vocabulary.js").Suggestion} Suggestion */

const MOST = 50;
let lists = 0;

/**
 * Lets a text area complete what is written; Enter without a choice asks.
 * @param {HTMLTextAreaElement} area
 * @param {() => void} ask
 */
export function complete(area, ask) {
  const list = document.createElement("ul");
  list.className = "completion";
  list.id = `completion-${(lists += 1)}`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "What could be written here");
  list.hidden = true;
  area.parentElement?.after(list);
  area.setAttribute("role", "combobox");
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  area.setAttribute("aria-expanded", "false");

  /** @type {Suggestion[]} */
  let shown = [];
  let chosen = -1;
  let turn = 0;

  const close = () => {
    turn += 1;
    shown = [];
    chosen = -1;
    list.hidden = true;
    area.setAttribute("aria-expanded", "false");
    area.removeAttribute("aria-activedescendant");
  };

  /** @param {number} number */
  const choose = (number) => {
    chosen = number;
    for (const [place, item] of [...list.children].entries()) {
      item.setAttribute("aria-selected", String(place === number));
      if (place === number) {
        area.setAttribute("aria-activedescendant", item.id);
        item.scrollIntoView({ block: "nearest" });
      }
    }
  };

  /** @param {number} number */
  const take = (number) => {
    const writing = writingAt(area.value, area.selectionStart);
    const taken = shown[number];
    close();
    if (!writing || !taken) return;
    area.setRangeText(taken.insert, writing.start, area.selectionStart, "end");
    area.focus();
  };

  const suggest = async () => {
    const writing = writingAt(area.value, area.selectionStart);
    if (!writing) {
      close();
      return;
    }
    const mine = (turn += 1);
    const all = await (writing.kind === "name" ? names() : writing.kind === "label" ? labels(writing.metric) : values(writing.label, writing.metric));
    if (mine !== turn) return;
    shown = best(all, writing.written);
    if (!shown.length || (shown.length === 1 && shown[0]?.insert === writing.written)) {
      close();
      return;
    }
    list.replaceChildren(...shown.map((each, number) => item(each, number)));
    list.hidden = false;
    area.setAttribute("aria-expanded", "true");
    choose(0);
  };

  /** @param {Suggestion} each @param {number} number */
  const item = (each, number) => {
    const element = document.createElement("li");
    element.id = `${list.id}-${number}`;
    element.setAttribute("role", "option");
    for (const [name, text] of [["what", each.text], ["kind", each.kind]]) {
      const part = document.createElement("span");
      part.className = name ?? "";
      part.textContent = text ?? "";
      element.append(part);
    }
    // Before the text area loses the focus, which closes the list.
    element.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(number);
    });
    return element;
  };

  area.addEventListener("input", () => {
    const writing = writingAt(area.value, area.selectionStart);
    if (writing && (writing.written.length >= 2 || writing.kind !== "name")) void suggest();
    else close();
  });
  area.addEventListener("blur", close);
  area.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      void suggest();
    } else if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose((chosen + step + shown.length) % shown.length);
    } else if (!list.hidden && (event.key === "Tab" || event.key === "Enter") && !event.shiftKey) {
      event.preventDefault();
      take(chosen);
    } else if (!list.hidden && event.key === "Escape") {
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      ask();
    }
  });
}

/**
 * Those that begin with what is written, then those that have it anywhere; in any case of letters.
 * @param {Suggestion[]} all
 * @param {string} written
 */
function best(all, written) {
  const wanted = written.toLowerCase();
  const begin = all.filter((each) => each.text.toLowerCase().startsWith(wanted));
  const within = all.filter((each) => each.text.toLowerCase().indexOf(wanted) > 0);
  return [...begin, ...within].slice(0, MOST);
}
