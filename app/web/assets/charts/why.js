// @ts-check
// Where a number is taken apart: the page of explanations, for the series and time at the cursor.

const MINUTE_MS = 60_000;
const WORDS = new Set("by without on ignoring group_left group_right offset bool and or unless atan2 inf nan start end".split(" "));

/**
 * The metric of which an expression's numbers are; empty where it names none, or several. Pure.
 * @param {string} expression
 */
export function metricOf(expression) {
  // Strings, durations, and the labels of groupings name no metric.
  const text = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, "")
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, " ")
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ");
  const found = new Set();
  for (const match of text.matchAll(/[A-Za-z_:][A-Za-z0-9_:]*/g)) {
    const after = text.slice(match.index + match[0].length);
    const before = text.slice(0, match.index);
    if (WORDS.has(match[0].toLowerCase()) || /^\s*\(/.test(after) || /[0-9.$]$/.test(before)) continue;
    found.add(match[0]);
  }
  return found.size === 1 ? String([...found][0]) : "";
}

/**
 * @param {string} expression
 * @param {Record<string, string>} labels of the series
 * @param {number} timeMs the end of the step, whose last minute is explained
 */
export function whyAddress(expression, labels, timeMs) {
  const metric = metricOf(expression);
  if (!metric) return "";
  const parameters = new URLSearchParams({ metric, time: String(timeMs - MINUTE_MS) });
  for (const [name, value] of Object.entries(labels)) {
    if (name !== "__name__" && name !== "metric" && name !== "time") parameters.set(name, value);
  }
  return `/explain?${parameters}`;
}
