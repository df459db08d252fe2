// @ts-check
// What every page does: its switches, times, the range of parts that are loaded later.

import { showTimes, startTimes } from "./times.js";
import { startTheme } from "./theme.js";
import { startParts } from "./parts.js";

startTheme();
startTimes();
startParts(showTimes);
