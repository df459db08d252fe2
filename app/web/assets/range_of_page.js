// @ts-check
// What a page says of its range when another one is shown: the words of the chooser, links, fields.

import { carryRange, isUsual, rangeIn, shownRange } from "./charts/range.js";
import { momentText } from "./times.js";

/** @typedef {import("./charts/range.js").Range} Range */

const UNITS = new Map(Object.entries({ m: "minute", h: "hour", d: "day", w: "week" }));
/** Paths that are no pages, and refuse parameters that they do not know. */
const NO_PAGE = /^\/(api|assets|docs|prometheus|sign-in|sign-out)(\/|$)/;
/** The server takes the form of signing in only up to a size. */
const LONGEST_NEXT = 4000;

/** Keeps what the page says in step with what is shown. */
export function startRangeOfPage() {
  document.addEventListener("hydrant:range", (event) => {
    const { before } = /** @type {CustomEvent<{before: Range}>} */ (event).detail;
    changeLinks(before);
    changeFields();
    changeChooser();
    changeSignIn();
  });
  // The list of tables writes into the address what it shows.
  document.body.addEventListener("htmx:replacedInHistory", () => {
    changeSignIn();
    changeChoices();
  });
}

/**
 * Links that carry the range that was shown before; others lead to one of their own.
 * @param {Range} before
 */
function changeLinks(before) {
  for (const link of document.querySelectorAll("a[href]")) {
    if (!(link instanceof HTMLAnchorElement) || link.closest(".presets") || link.getAttribute("href")?.startsWith("#")) continue;
    if (link.origin !== location.origin || NO_PAGE.test(link.pathname)) continue;
    const url = new URL(link.href);
    const carried = rangeIn(url.searchParams);
    if (carried.from !== before.from || carried.to !== before.to) continue;
    carryRange(url.searchParams);
    link.href = url.pathname + url.search + url.hash;
  }
}

/** The fields with which forms carry the range on. */
function changeFields() {
  const range = shownRange();
  for (const name of /** @type {const} */ (["from", "to"])) {
    for (const field of document.querySelectorAll(`input[name=${name}]`)) {
      if (!(field instanceof HTMLInputElement)) continue;
      field.value = range[name];
      if (field.type === "hidden") field.disabled = isUsual(range);
    }
  }
}

/** The words of the chooser, and which of its entries is the one. */
function changeChooser() {
  const range = shownRange();
  const summary = document.querySelector("details.range > summary");
  if (!summary) return;
  let words = lengthText(range);
  for (const preset of document.querySelectorAll("details.range .presets a")) {
    const { from } = rangeIn(new URLSearchParams(preset.getAttribute("href") ?? ""));
    preset.removeAttribute("aria-current");
    if (!range.live || from !== range.from) continue;
    preset.setAttribute("aria-current", "true");
    words = preset.textContent ?? "";
  }
  summary.replaceChildren(...(words ? [words] : [timeOf(range.from_ms), " to ", timeOf(range.to_ms)]));
}

/**
 * `Last 6 hours` for what ends now.
 * @param {Range} range
 */
function lengthText(range) {
  const [, count, letter] = /^now-(\d+)([mhdw])$/.exec(range.from) ?? [];
  const unit = UNITS.get(letter ?? "");
  return range.live && unit ? `Last ${Number(count)} ${unit}${Number(count) === 1 ? "" : "s"}` : "";
}

/** @param {number} atMs */
function timeOf(atMs) {
  const element = document.createElement("time");
  element.dateTime = new Date(atMs).toISOString();
  element.dataset["ms"] = String(atMs);
  element.textContent = momentText(atMs);
  return element;
}

/** Another range is of what is searched for now. */
function changeChoices() {
  const asked = [...new URLSearchParams(location.search)].filter(([name]) => name !== "from" && name !== "to");
  for (const preset of document.querySelectorAll("details.range .presets a")) {
    const { from, to } = rangeIn(new URLSearchParams(preset.getAttribute("href") ?? ""));
    preset.setAttribute("href", `?${new URLSearchParams([...asked, ["from", from], ["to", to]])}`);
  }
  const form = document.querySelector("details.range form");
  form?.querySelectorAll("input[type=hidden]").forEach((field) => field.remove());
  for (const [name, value] of asked) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form?.prepend(field);
  }
}

/** Signing in leads back to what is shown. */
function changeSignIn() {
  const shown = location.pathname + location.search;
  const next = shown.length > LONGEST_NEXT ? location.pathname : shown;
  for (const link of document.querySelectorAll('a[href^="/sign-in"]')) link.setAttribute("href", `/sign-in?${new URLSearchParams({ next })}`);
}
