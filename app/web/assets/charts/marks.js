// @ts-check
// Marks in time that all charts of a page show: what people marked, such as deployments, and alarms.

/**
 * @typedef {object} Mark
 * @property {number} from_ms
 * @property {number | null} to_ms the end of what lasted; null for a moment
 * @property {string} text
 * @property {"accent" | "warning" | "critical"} severity
 */

/** @typedef {{marks: Mark[], complete: boolean}} Found `complete` is false where some could not be had */

const PATIENCE_MS = 20_000;

/** @type {Promise<Found> | null} */
let asked = null;
let key = "";

/**
 * The marks of a range; asked for once, whichever charts want them, and again after a failure.
 * @param {import("./range.js").Range} range
 * @returns {Promise<Found>}
 */
export function marksOf(range) {
  const wanted = `${range.from_ms}-${range.to_ms}`;
  if (asked && wanted === key) return asked;
  key = wanted;
  const question = Promise.allSettled([people(range), alarms(range)]).then((all) => {
    const complete = all.every((each) => each.status === "fulfilled");
    if (!complete && asked === question) asked = null;
    return { marks: all.flatMap((each) => (each.status === "fulfilled" ? each.value : [])), complete };
  });
  asked = question;
  return question;
}

/**
 * What is marked at a time, in words.
 * @param {Mark[]} marks
 * @param {number} timeMs
 * @param {number} stepMs how long the time lasts on the chart
 */
export function marksAt(marks, timeMs, stepMs) {
  const there = marks.filter((each) => each.from_ms <= timeMs && Math.max(each.to_ms ?? 0, each.from_ms) > timeMs - stepMs);
  return there.map((each) => (each.severity === "accent" ? each.text : `${each.severity} alarm ${each.text}`));
}

/** What of the page's place is asked for, such as `account=1&table=t`. */
function place() {
  return new URLSearchParams(document.querySelector("meta[name=hydrant-marks]")?.getAttribute("content") ?? "");
}

/** @param {import("./range.js").Range} range @returns {Promise<Mark[]>} */
async function people(range) {
  const parameters = place();
  parameters.set("start", String(range.from_ms));
  parameters.set("end", String(range.to_ms));
  const found = await read(`/api/v1/marks?${parameters}`, "marks");
  return found.map((each) => ({
    from_ms: moment(each["time"]) ?? 0,
    to_ms: moment(each["end"]),
    text: String(each["text"] ?? ""),
    severity: "accent",
  }));
}

/**
 * The times in which alarms fired, where the page is about one table or account.
 * @param {import("./range.js").Range} range
 * @returns {Promise<Mark[]>}
 */
async function alarms(range) {
  const given = place();
  if (!given.size) return [];
  const parameters = new URLSearchParams({ start: String(range.from_ms), end: String(range.to_ms), withdrawn: "false" });
  for (const name of ["account", "region"]) {
    const value = given.get(name);
    if (value) parameters.set(name, value);
  }
  const table = given.get("table");
  if (table) parameters.append("label", `TableName:${table}`);
  const found = await read(`/api/v1/alarms/incidents?${parameters}`, "incidents");
  return merged(
    found.map((each) => ({
      from_ms: moment(each["started"]) ?? 0,
      to_ms: moment(each["ended"]) ?? range.to_ms,
      text: String(each["rule"] ?? ""),
      severity: each["severity"] === "critical" ? "critical" : "warning",
    })),
  );
}

/**
 * Periods of the same severity that overlap as one.
 * @param {Mark[]} all
 * @returns {Mark[]}
 */
export function merged(all) {
  /** @type {Mark[]} */
  const result = [];
  for (const each of [...all].sort((a, b) => a.from_ms - b.from_ms)) {
    const open = result.find((other) => other.severity === each.severity && (other.to_ms ?? 0) >= each.from_ms);
    if (!open) {
      result.push({ ...each });
      continue;
    }
    open.to_ms = Math.max(open.to_ms ?? 0, each.to_ms ?? 0);
    if (!open.text.split(", ").includes(each.text)) open.text += `, ${each.text}`;
  }
  return result;
}

/** @param {string} path @param {string} list @returns {Promise<Record<string, unknown>[]>} */
async function read(path, list) {
  const response = await fetch(path, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Error(`${path} was answered ${response.status}`);
  return (await response.json())[list] ?? [];
}

/** @param {unknown} value @returns {number | null} */
function moment(value) {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return null;
  const parsed = Date.parse(value);
  return Number.isNaN(parsed) ? null : parsed;
}
