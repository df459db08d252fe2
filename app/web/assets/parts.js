// @ts-check
// Parts of a page that htmx loads: they ask for the range that the page shows, and again while the
// page is live.

import { carryRange, shownRange } from "./charts/range.js";
import { startKeepingPlaces } from "./kept_place.js";
import { startAskingAgain } from "./parts_again.js";

const REFRESH_MS = 60_000;

/** @typedef {CustomEvent<{parameters: FormData | Record<string, unknown>, path: string}>} Configured */
/** @typedef {CustomEvent<{elt: HTMLElement}>} Loaded */

/** @param {(root: ParentNode) => void} showTimes */
export function startParts(showTimes) {
  document.body.addEventListener("htmx:configRequest", (event) => {
    const { detail } = /** @type {Configured} */ (event);
    const url = new URL(detail.path, location.href);
    // Forms have them as fields, and the page may show another range than when it came.
    for (const name of ["from", "to"]) {
      if (detail.parameters instanceof FormData) detail.parameters.delete(name);
      else delete detail.parameters[name];
    }
    carryRange(url.searchParams);
    detail.path = url.pathname + url.search;
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    const { elt } = /** @type {Loaded} */ (event).detail;
    elt.removeAttribute("aria-busy");
    showTimes(elt);
  });
  startAskingAgain();
  startKeepingPlaces();
  const refresh = () => document.body.dispatchEvent(new CustomEvent("hydrant:refresh"));
  let isDue = false;
  const refreshIfSeen = () => {
    if (!isDue || document.visibilityState !== "visible") return;
    isDue = false;
    if (shownRange().live) refresh();
  };
  setInterval(() => {
    isDue = true;
    refreshIfSeen();
  }, REFRESH_MS);
  document.addEventListener("visibilitychange", refreshIfSeen);
  document.addEventListener("hydrant:range", refresh);
}
