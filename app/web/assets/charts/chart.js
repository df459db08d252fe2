// @ts-check
// One chart: it asks when it is seen, draws what comes, and says what does not.

import { momentText } from "../times.js";
import { askInstant, askRange, filledIn } from "./asking.js";
import { columnsOf } from "./columns.js";
import { frame, keepingPlace, walkable } from "./frame.js";
import { legend } from "./legend.js";
import { legendsAt } from "./legends.js";
import { marksAt, marksOf } from "./marks.js";
import { menu } from "./menu.js";
import { entriesOf } from "./menu_of_chart.js";
import { plot } from "./plot.js";
import { Refused, Unreachable } from "./questions.js";
import { shownRange, stepOf, widen, zoom } from "./range.js";
import { stats } from "./stat.js";
import { tableOfSeries, tableOfTimes } from "./table.js";
import { valueText } from "./units.js";

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

/**
 * @typedef {object} Answers what was answered, with what was asked
 * @property {Answered[]} of_queries
 * @property {import("./range.js").Range} range
 * @property {number} step seconds
 */

export class Chart {
  /** @param {HTMLElement} figure */
  constructor(figure) {
    /** @type {Spec} */
    this.spec = JSON.parse(figure.dataset["chart"] ?? "{}");
    this.figure = figure;
    this.menu = menu(`Menu of ${this.spec.title}`, () => entriesOf(this));
    this.frame = frame(figure, this.spec, this.menu.element);
    /** @type {"chart" | "table" | "series"} */
    this.shape = "chart";
    /** @type {import("./legend.js").Choice} what the reader chose, kept when data come */
    this.choice = { hidden: new Set(), all: false };
    /** @type {number | null} the time in seconds at which the cursor was last */
    this.cursor = null;
    this.isPointedAt = false;
    this.waiting = new AbortController();
    /** @type {Answers | null} */
    this.answers = null;
    /** Why the range that is shown could not be had; what was answered before stays drawn. */
    this.fault = "";
    /** @type {import("./marks.js").Found} */
    this.marked = { marks: [], complete: true };
    /** @type {import("./columns.js").Drawn | null} */
    this.drawn = null;
    /** @type {import("../vendor/uplot/uPlot.js") | null} */
    this.plot = null;
    /** @type {((place: number | null) => void) | null} */
    this.showValues = null;
    /** @type {((isChart: boolean) => void) | null} */
    this.setWalkable = null;
    if (this.isDrawing) {
      this.setWalkable = walkable(this.frame.drawing, this.spec.title, {
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

  /** A question that is still under way is given up. */
  giveUp() {
    this.waiting.abort();
  }

  /**
   * Asks again, for the range that is shown; a question that is still under way is given up.
   * @returns {Promise<boolean>} whether there is no need to ask the same once more
   */
  async ask() {
    this.giveUp();
    const waiting = (this.waiting = new AbortController());
    const range = shownRange();
    const step = stepOf(range);
    this.figure.setAttribute("aria-busy", "true");
    if (this.isDrawing) void this.mark(range, waiting.signal);
    try {
      const answered = await Promise.all(this.spec.queries.map((query) => this.answer(query, range, step, waiting.signal)));
      if (waiting.signal.aborted) return true;
      this.answers = { of_queries: answered, range, step };
      this.fault = "";
      this.draw();
      return true;
    } catch (error) {
      if (waiting.signal.aborted) return true;
      const words = error instanceof Refused ? error.message : "This chart failed; the browser's console has the cause.";
      if (!(error instanceof Refused)) console.error(error);
      this.fault = words;
      this.say("", []);
      return !(error instanceof Unreachable);
    } finally {
      if (this.waiting === waiting) this.figure.removeAttribute("aria-busy");
    }
  }

  /**
   * @param {Spec["queries"][number]} query
   * @param {import("./range.js").Range} range
   * @param {number} step
   * @param {AbortSignal} signal
   * @returns {Promise<Answered>}
   */
  async answer(query, range, step, signal) {
    const expression = filledIn(query.expression, range, step);
    const { series, notes } = await (query.instant ? askInstant(expression, range, signal) : askRange(expression, range, step, signal));
    return { series, notes, legend: query.legend, expression: query.expression };
  }

  /**
   * Adds the marks once they are there, which the values do not wait for.
   * @param {import("./range.js").Range} range
   * @param {AbortSignal} signal
   */
  async mark(range, signal) {
    const found = await marksOf(range);
    if (signal.aborted) return;
    const was = this.marked;
    this.marked = found;
    if (found.complete !== was.complete && this.answers) this.draw();
    else if (found.marks.length || was.marks.length) this.plot?.redraw(false);
  }

  /** Draws what was answered, as it is to be shown now. */
  draw() {
    keepingPlace(this.figure, this.frame.drawing, () => {
      this.clear();
      if (!this.answers) return this.say("", []);
      if (this.isDrawing) this.drawSeries(this.answers);
      else this.drawValues(this.answers.of_queries);
    });
  }

  /** @param {Answered[]} answers */
  drawValues(answers) {
    const notes = answers.flatMap((answer) => answer.notes);
    const empty = answers.every((answer) => answer.series.length === 0);
    this.say(empty ? this.emptyWords : "", notes);
    this.frame.drawing.classList.add("content");
    if (empty) return;
    const asNumbers = this.spec.type === "stat" && this.shape === "chart";
    this.frame.drawing.append(asNumbers ? stats(answers, this.spec) : tableOfSeries(this.spec.title, answers, this.spec.unit, true));
  }

  /** @param {Answers} answers */
  drawSeries({ of_queries: answers, range, step }) {
    const drawn = (this.drawn = columnsOf(answers, range, step));
    const notes = answers.flatMap((answer) => answer.notes);
    if (drawn.leftOut && this.shape !== "series") {
      notes.push(`The ${drawn.series.length} greatest of ${drawn.series.length + drawn.leftOut} series are drawn; the menu shows all of them as a table.`);
    }
    if (!this.marked.complete) notes.push("Not all alarms and deployments of this time could be read.");
    const empty = drawn.series.length === 0;
    this.say(empty ? this.emptyWords : "", notes);
    this.frame.drawing.classList.toggle("content", this.shape !== "chart");
    this.setWalkable?.(this.shape === "chart");
    if (this.shape === "table") this.frame.drawing.append(tableOfTimes(this.spec.title, drawn));
    else if (this.shape === "series") this.frame.drawing.append(tableOfSeries(`${this.spec.title}: the last value of each series`, answers, this.spec.unit));
    else {
      // The legend first: the plot has the height that it leaves.
      if (!empty) {
        const { element, showValues } = legend(drawn, this.spec.unit, this.choice, () => this.drawPlot(drawn, range));
        this.showValues = showValues;
        this.frame.below.append(element);
      }
      this.drawPlot(drawn, range);
      this.pointAgain(drawn);
    }
  }

  /**
   * A cursor that was on the chart stays at its time when the chart is drawn anew.
   * @param {import("./columns.js").Drawn} drawn
   */
  pointAgain(drawn) {
    if (!this.isPointedAt || !this.plot || this.cursor === null || !drawn.times.includes(this.cursor)) return;
    this.plot.setCursor({ left: this.plot.valToPos(this.cursor, "x"), top: 10 });
  }

  /** @param {import("./columns.js").Drawn} drawn @param {import("./range.js").Range} range */
  drawPlot(drawn, range) {
    this.plot?.destroy();
    const shown = { range, marks: () => this.marked.marks, hidden: legendsAt(drawn.series, this.choice.hidden) };
    this.plot = plot(this.frame.drawing, this.spec, drawn, shown, {
      onCursor: (place) => {
        this.isPointedAt = place !== null;
        // The last time at which the cursor was stays for the menu, which lies outside of the plot.
        if (place !== null) this.cursor = drawn.times[place] ?? null;
        this.showValues?.(place);
      },
      onZoom: zoom,
      onWiden: widen,
    });
  }

  /** @param {string} empty why nothing is drawn @param {string[]} notes */
  say(empty, notes) {
    if (this.fault) this.frame.say(this.answers ? `${this.fault} What was read before is drawn.` : this.fault, "critical");
    else if (!this.answers) this.frame.say("Reading…");
    else this.frame.say(empty || notes.join(" "), notes.length && !empty ? "warning" : "");
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
    this.giveUp();
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
    this.cursor = time;
    const step = (this.answers?.step ?? 0) * 1000;
    const marks = marksAt(this.marked.marks, time * 1000, step).map((each) => `; ${each}`);
    const hidden = legendsAt(drawn.series, this.choice.hidden);
    const values = drawn.series.filter((each) => !hidden.has(each.legend)).map((each) => `${each.legend} ${valueText(each.values[place], this.spec.unit)}`);
    return `${momentText(time * 1000)}: ${values.join(", ") || this.emptyWords}${marks.join("")}`;
  }

  /** @param {"chart" | "table" | "series"} shape */
  showAs(shape) {
    this.shape = shape;
    this.draw();
  }
}
