// @ts-check
// What every page does: its switches, times, the range of parts that are loaded later.

import { showTimes, startTimes } from "./times.js";
import { startTheme } from "./theme.js";
import { startParts } from "./parts.js";
import { startRangeOfPage } from "./range_of_page.js";

startTheme();
startTimes();
startRangeOfPage();
startParts(showTimes);

// The module of charts is only asked for by pages with charts, also when they come later.
const looking = new MutationObserver(lookForCharts);
function lookForCharts() {
  if (!document.querySelector("figure.chart[data-chart]")) return;
  looking.disconnect();
  void import("./charts/charts.js");
}
looking.observe(document.body, { childList: true, subtree: true });
lookForCharts();
