// @ts-check
// Marks in time that all charts of a page show: what people marked, such as deployments, and alarms.

/**
 * @typedef {object} Mark
 * @property {number} from_ms
 * @property {number | null} to_ms the end of what lasted; null for a moment
 * @property {string} text
 * @property {"accent" | "warning" | "critical"} severity
 */

/** @type {Promise<Mark[]> | null} */
let asked = null;
let key = "";

/**
 * The marks of a range; asked for once, whichever charts want them. None where they cannot be had:
 * a chart is right without its marks.
 * @param {import("./range.js").Range} range
 * @returns {Promise<Mark[]>}
 */
export function marksOf(range) {
  const wanted = `${range.from_ms}-${range.to_ms}`;
  if (!asked || wanted !== key) {
    key = wanted;
    asked = Promise.all([people(range), alarms(range)]).then((all) => all.flat());
  }
  return asked;
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
  }
  return result;
}

/** @param {string} path @param {string} list @returns {Promise<Record<string, unknown>[]>} */
async function read(path, list) {
  try {
    const response = await fetch(path, { headers: { Accept: "application/json" } });
    return response.ok ? ((await response.json())[list] ?? []) : [];
  } catch {
    return [];
  }
}

/** @param {unknown} value @returns {number | null} */
function moment(value) {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return null;
  const parsed = Date.parse(value);
  return Number.isNaN(parsed) ? null : parsed;
}
