// @ts-check
// One chart: it asks when it is seen, draws what comes, and says what does not.

import { momentText } from "../times.js";
import { askInstant, askRange, filledIn, Refused } from "./asking.js";
import { columnsOf } from "./columns.js";
import { frame, walkable } from "./frame.js";
import { legend } from "./legend.js";
import { marksOf } from "./marks.js";
import { copy, menu } from "./menu.js";
import { plot } from "./plot.js";
import { shownRange, stepOf, widen, zoom } from "./range.js";
import { stats } from "./stat.js";
import { tableOfSeries, tableOfTimes } from "./table.js";
import { valueText } from "./units.js";
import { whyAddress } from "./why.js";

/**
 * @typedef {object} Spec what `data-chart` holds
 * @property {string} title
 * @property {string} description
 * @property {string} unit
 * @property {"line" | "area" | "bars" | "stat" | "table"} type
 * @property {boolean} stacked
 * @property {{expression: string, legend: string, instant: boolean}[]} queries
 * @property {{value: number, severity: "warning" | "critical", label: string, below?: boolean}[]} thresholds
 * @property {number | null} minimum
 * @property {number | null} maximum
 * @property {string} empty
 */

/** @typedef {{series: import("./asking.js").Series[], legend: string, expression: string, notes: string[]}} Answered */

export class Chart {
  /** @param {HTMLElement} figure */
  constructor(figure) {
    /** @type {Spec} */
    this.spec = JSON.parse(figure.dataset["chart"] ?? "{}");
    this.figure = figure;
    this.menu = menu(`Menu of ${this.spec.title}`, () => this.entries());
    this.frame = frame(figure, this.spec, this.menu.element);
    this.asTable = false;
    /** @type {number | null} */
    this.cursor = null;
    this.waiting = new AbortController();
    /** @type {Answered[] | null} */
    this.answers = null;
    /** @type {import("./columns.js").Drawn | null} */
    this.drawn = null;
    /** @type {import("../vendor/uplot/uPlot.js") | null} */
    this.plot = null;
    /** @type {((place: number | null) => void) | null} */
    this.showValues = null;
    if (this.isDrawing) {
      walkable(this.frame.drawing, this.spec.title, {
        count: () => this.drawn?.times.length ?? 0,
        move: (place) => this.moveTo(place),
        menu: () => this.menu.open(),
        widen,
      });
    }
    this.measuring = new ResizeObserver(() => this.resize());
    this.measuring.observe(this.frame.drawing);
    this.frame.say("Reading…");
  }

  get isDrawing() {
    return this.spec.type !== "stat" && this.spec.type !== "table";
  }

  get step() {
    return stepOf(shownRange());
  }

  /** Asks again, for the range that is shown; a question that is still under way is given up. */
  async ask() {
    this.waiting.abort();
    const waiting = (this.waiting = new AbortController());
    const range = shownRange();
    this.figure.setAttribute("aria-busy", "true");
    try {
      const answers = await Promise.all(this.spec.queries.map((query) => this.answer(query, range, waiting.signal)));
      const marks = this.isDrawing ? await marksOf(range) : [];
      if (waiting.signal.aborted) return;
      this.answers = answers;
      this.marks = marks;
      this.draw();
    } catch (error) {
      if (waiting.signal.aborted) return;
      const words = error instanceof Refused ? error.message : "This chart failed; the browser's console has the cause.";
      if (!(error instanceof Refused)) console.error(error);
      this.frame.say(words, "critical");
    } finally {
      if (this.waiting === waiting) this.figure.removeAttribute("aria-busy");
    }
  }

  /**
   * @param {Spec["queries"][number]} query
   * @param {import("./range.js").Range} range
   * @param {AbortSignal} signal
   * @returns {Promise<Answered>}
   */
  async answer(query, range, signal) {
    const expression = filledIn(query.expression, range, this.step);
    const { series, notes } = await (query.instant ? askInstant(expression, range, signal) : askRange(expression, range, this.step, signal));
    return { series, notes, legend: query.legend, expression: query.expression };
  }

  /** Draws what was answered, as it is to be shown now. */
  draw() {
    if (!this.answers) return;
    this.clear();
    const notes = this.answers.flatMap((answer) => answer.notes);
    if (!this.isDrawing) {
      const content = this.spec.type === "stat" && !this.asTable ? stats(this.answers, this.spec) : tableOfSeries(this.spec.title, this.answers, this.spec.unit);
      const empty = this.answers.every((answer) => answer.series.length === 0);
      this.frame.say(empty ? this.emptyWords : notes.join(" "), notes.length && !empty ? "warning" : "");
      if (!empty) this.frame.drawing.append(content);
      this.frame.drawing.classList.add("content");
      return;
    }
    const range = shownRange();
    const drawn = (this.drawn = columnsOf(this.answers, range, this.step));
    const words = drawn.leftOut ? [...notes, `The ${drawn.series.length} greatest of ${drawn.series.length + drawn.leftOut} series are drawn.`] : notes;
    const empty = drawn.series.length === 0;
    this.frame.say(empty ? this.emptyWords : words.join(" "), words.length && !empty ? "warning" : "");
    if (this.asTable) {
      this.frame.drawing.append(tableOfTimes(this.spec.title, drawn));
      this.frame.drawing.classList.add("content");
      return;
    }
    this.frame.drawing.classList.remove("content");
    this.plot = plot(this.frame.drawing, this.spec, drawn, { range, step: this.step, marks: this.marks ?? [] }, {
      onCursor: (place) => {
        // The last place at which the cursor was stays for the menu, which lies outside of the plot.
        if (place !== null) this.cursor = place;
        this.showValues?.(place);
      },
      onZoom: zoom,
      onWiden: widen,
    });
    if (!empty) {
      const { element, showValues } = legend(drawn, this.spec.unit, (place, shown) => this.plot?.setSeries(place + 1, { show: shown }));
      this.showValues = showValues;
      this.frame.below.append(element);
    }
  }

  get emptyWords() {
    return this.spec.empty || "There is nothing in this range.";
  }

  /** Takes what is drawn away. */
  clear() {
    this.plot?.destroy();
    this.plot = null;
    this.showValues = null;
    this.drawn = null;
    this.frame.drawing.replaceChildren();
    this.frame.below.replaceChildren();
  }

  /** Takes the width that there is now. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.frame.drawing;
    if (this.plot && width > 0 && (width !== this.plot.width || height !== this.plot.height)) this.plot.setSize({ width, height });
  }

  /** The chart is no longer part of the page. */
  end() {
    this.waiting.abort();
    this.measuring.disconnect();
    this.clear();
  }

  /**
   * Moves the cursor of the keyboard.
   * @param {number} place
   * @returns {string} what is there, in words
   */
  moveTo(place) {
    const drawn = this.drawn;
    if (!drawn) return "";
    const time = drawn.times[place] ?? 0;
    if (this.plot) this.plot.setCursor({ left: this.plot.valToPos(time, "x"), top: 10 });
    this.cursor = place;
    const values = drawn.series.filter((_, number) => this.plot?.series[number + 1]?.show !== false).map((each) => `${each.legend} ${valueText(each.values[place], this.spec.unit)}`);
    return `${momentText(time * 1000)}: ${values.join(", ") || this.emptyWords}`;
  }

  /** @returns {import("./menu.js").Entry[]} */
  entries() {
    const expressions = this.spec.queries.map((query) => filledIn(query.expression, shownRange(), this.step));
    const explore = new URLSearchParams(this.spec.queries.map((query) => ["q", query.expression]));
    const shown = new URLSearchParams(location.search);
    for (const name of ["from", "to"]) {
      const value = shown.get(name);
      if (value) explore.set(name, value);
    }
    const why = this.why();
    return [
      ...(this.spec.type === "table" ? [] : [{ text: this.asTable ? "As chart" : "As table", run: () => this.toggleTable() }]),
      { text: "Copy PromQL", run: () => void copy(expressions.join("\n")) },
      { text: "Open in Explore", address: () => `/explore?${explore}` },
      ...(why ? [{ text: "Why this number?", address: () => why }] : []),
    ];
  }

  toggleTable() {
    this.asTable = !this.asTable;
    this.draw();
  }

  /** Where the number at the cursor is explained, or else the last one of the first series. */
  why() {
    if (!this.drawn) {
      const answer = this.answers?.[0];
      const series = answer?.series[0];
      return answer && series ? whyAddress(answer.expression, series.metric, shownRange().to_ms) : "";
    }
    const place = this.cursor ?? this.drawn.times.length - 1;
    const series = this.drawn.series.find((each) => typeof each.values[place] === "number") ?? this.drawn.series[0];
    if (!series) return "";
    const found = typeof series.values[place] === "number" ? place : series.values.findLastIndex((value) => typeof value === "number");
    return whyAddress(series.expression, series.labels, (this.drawn.times[found] ?? 0) * 1000);
  }

  /** @type {import("./marks.js").Mark[] | undefined} */
  marks;
}
