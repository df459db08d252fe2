// @ts-check
// Times of the page in UTC, as they are delivered, or in the reader's time zone.

import { remember } from "./preferences.js";

/** Whether times are shown in the reader's time zone. */
export function timesAreLocal() {
  return document.documentElement.dataset["times"] === "local";
}

/** @param {number} number @param {number} width */
function padded(number, width = 2) {
  return String(number).padStart(width, "0");
}

/**
 * A moment as text, to the minute: `2026-01-31 12:00 UTC`, or with the offset of the time zone.
 * @param {number} atMs
 */
export function momentText(atMs) {
  const local = timesAreLocal();
  const ahead = local ? -new Date(atMs).getTimezoneOffset() : 0;
  const shown = new Date(atMs + ahead * 60_000).toISOString();
  const sign = ahead < 0 ? "−" : "+";
  const zone = local ? `${sign}${padded(Math.floor(Math.abs(ahead) / 60))}:${padded(Math.abs(ahead) % 60)}` : "UTC";
  return `${shown.slice(0, 10)} ${shown.slice(11, 16)} ${zone}`;
}

/**
 * Writes the times below an element as the reader wants them.
 * @param {ParentNode} root
 */
export function showTimes(root) {
  for (const element of root.querySelectorAll("time[data-ms]")) {
    element.textContent = momentText(Number(element.getAttribute("data-ms")));
  }
}

/** Makes the switch work; charts redraw on the event `hydrant:times`. */
export function startTimes() {
  const button = document.querySelector("[data-switch=times]");
  const say = () => button?.setAttribute("aria-pressed", String(timesAreLocal()));
  say();
  if (timesAreLocal()) showTimes(document);
  button?.addEventListener("click", () => {
    const times = timesAreLocal() ? "utc" : "local";
    document.documentElement.dataset["times"] = times;
    remember("hydrant-times", times);
    say();
    showTimes(document);
    document.dispatchEvent(new CustomEvent("hydrant:times"));
  });
}
