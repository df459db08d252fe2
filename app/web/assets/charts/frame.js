// @ts-check
// The elements of a chart: title, menu, drawing, words, legend.

import { unitWords } from "./units.js";

/**
 * Builds them into a figure.
 * @param {HTMLElement} figure
 * @param {import("./chart.js").Spec} spec
 * @param {HTMLElement} menu
 */
export function frame(figure, spec, menu) {
  const caption = document.createElement("figcaption");
  const words = document.createElement("div");
  const title = document.createElement("h3");
  title.textContent = spec.title;
  const unit = unitWords(spec.unit);
  if (unit && !spec.title.toLowerCase().includes(unit.replace("capacity ", ""))) {
    const text = document.createElement("span");
    text.className = "unit";
    text.textContent = ` ${unit}`;
    title.append(text);
  }
  words.append(title);
  if (spec.description) {
    const description = document.createElement("p");
    description.textContent = spec.description;
    words.append(description);
  }
  caption.append(words, menu);
  const drawing = document.createElement("div");
  drawing.className = "drawing";
  const note = document.createElement("p");
  note.className = "note";
  note.setAttribute("role", "status");
  note.hidden = true;
  const below = document.createElement("div");
  below.className = "below";
  figure.replaceChildren(caption, drawing, note, below);
  return {
    drawing,
    below,
    /** @param {string} text @param {"" | "warning" | "critical"} [severity] */
    say(text, severity = "") {
      note.textContent = text;
      note.className = `note ${severity}`;
      note.hidden = text === "";
    },
  };
}

/**
 * A drawing that can be walked through by keyboard: arrows move the cursor, whose values are read out.
 * @param {HTMLElement} drawing
 * @param {string} title
 * @param {{count: () => number, move: (place: number) => string, menu: () => void, widen: () => void}} steps
 * @returns {(isChart: boolean) => void} what tells whether a chart is drawn, which can be walked, or a table
 */
export function walkable(drawing, title, steps) {
  const attributes = {
    tabindex: "0",
    role: "img",
    "aria-label": `Chart: ${title}. Arrow keys read values, Enter opens the menu, Escape shows a longer range.`,
  };
  /** @param {boolean} isChart */
  const setChart = (isChart) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (isChart) drawing.setAttribute(name, value);
      else drawing.removeAttribute(name);
    }
  };
  setChart(true);
  const spoken = document.createElement("p");
  spoken.className = "visually-hidden";
  spoken.setAttribute("aria-live", "polite");
  drawing.after(spoken);
  let place = -1;
  drawing.addEventListener("keydown", (event) => {
    // A table that stands there instead has keys of its own.
    if (event.target !== drawing) return;
    const count = steps.count();
    const jump = event.shiftKey ? 10 : 1;
    const moves = { ArrowLeft: (place < 0 ? count : place) - jump, ArrowRight: place + jump, Home: 0, End: count - 1 };
    if (event.key in moves && count > 0) {
      event.preventDefault();
      place = Math.max(0, Math.min(count - 1, moves[/** @type {keyof typeof moves} */ (event.key)]));
      spoken.textContent = steps.move(place);
    } else if (event.key === "Enter") {
      event.preventDefault();
      steps.menu();
    } else if (event.key === "Escape") steps.widen();
  });
  return setChart;
}

/**
 * Does what draws a figure anew, and leaves the reader where they were: what has the focus, and how
 * far the drawing is scrolled.
 * @param {HTMLElement} figure
 * @param {HTMLElement} drawing
 * @param {() => void} redraw
 */
export function keepingPlace(figure, drawing, redraw) {
  const focusable = () => /** @type {HTMLElement[]} */ ([...figure.querySelectorAll("a, button, [tabindex]")]);
  const focused = document.activeElement;
  const place = focused instanceof HTMLElement ? focusable().indexOf(focused) : -1;
  // To ask how far something is scrolled lays out the whole page: not for a chart that comes at first.
  const { scrollTop, scrollLeft } = drawing.hasChildNodes() ? drawing : { scrollTop: 0, scrollLeft: 0 };
  redraw();
  if (scrollTop || scrollLeft) drawing.scrollTo({ top: scrollTop, left: scrollLeft, behavior: "instant" });
  if (place >= 0 && !focused?.isConnected) focusable()[place]?.focus({ preventScroll: true });
}
