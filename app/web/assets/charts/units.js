// @ts-check
// Numbers with their units, as people read them. Pure.

/** @type {Map<number, Intl.NumberFormat>} by digits; to make one takes longer than to write a hundred numbers */
const WRITERS = new Map();

/** @param {number} value @param {number} digits */
function rounded(value, digits = 4) {
  const options = { maximumFractionDigits: 12, maximumSignificantDigits: digits };
  const writer = WRITERS.get(digits) ?? new Intl.NumberFormat("en-US", options);
  WRITERS.set(digits, writer);
  return writer.format(Number(value.toPrecision(digits)));
}

/** @type {[number, string][]} */
const THOUSANDS = [
  [1e12, " T"],
  [1e9, " G"],
  [1e6, " M"],
  [1e4, " k"],
];
/** @type {[number, string][]} */
const BYTES = [
  [2 ** 40, " TiB"],
  [2 ** 30, " GiB"],
  [2 ** 20, " MiB"],
  [2 ** 10, " KiB"],
];

/** @param {number} value */
function plain(value) {
  const size = Math.abs(value);
  const found = THOUSANDS.find(([least]) => size >= least);
  if (!found) return rounded(value);
  return `${rounded(value / (found[0] === 1e4 ? 1e3 : found[0]))}${found[1]}`;
}

/** @param {number} value seconds */
function seconds(value) {
  const size = Math.abs(value);
  if (size >= 172_800) return `${rounded(value / 86_400, 3)} d`;
  if (size >= 7200) return `${rounded(value / 3600, 3)} h`;
  if (size >= 120) return `${rounded(value / 60, 3)} min`;
  if (size >= 1 || size === 0) return `${rounded(value)} s`;
  return `${rounded(value * 1000)} ms`;
}

/** @param {number} value */
function bytes(value) {
  const found = BYTES.find(([least]) => Math.abs(value) >= least);
  return found ? `${rounded(value / found[0], 3)}${found[1]}` : `${rounded(value)} B`;
}

/**
 * A share of 100 with three digits. Just below 100 it is rounded down, since the little that lacks is what fails.
 * @param {number} value
 */
function percent(value) {
  const size = Math.abs(value);
  if (size <= 99 || size >= 100) return `${rounded(value, 3)} %`;
  // Twelve digits, so that a share of 0.9957 is 99.57 in spite of its binary digits.
  const hundredths = Math.min(9999, Math.floor(Number((size * 100).toPrecision(12))));
  return `${rounded((Math.sign(value) * hundredths) / 100)} %`;
}

/** @type {Record<string, (value: number) => string>} */
const FORMATS = {
  count: plain,
  none: plain,
  per_second: (value) => `${plain(value)}/s`,
  units: (value) => `${plain(value)} units`,
  units_per_second: (value) => `${plain(value)} units/s`,
  milliseconds: (value) => (Math.abs(value) >= 1000 ? seconds(value / 1000) : `${rounded(value)} ms`),
  seconds,
  minutes: (value) => seconds(value * 60),
  bytes,
  percent,
  ratio: (value) => percent(value * 100),
  dollars: (value) => `$${rounded(value)}`,
};

/**
 * A value with its unit; what is missing is an en dash.
 * @param {number | null | undefined} value
 * @param {string} unit
 */
export function valueText(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  return (FORMATS[unit] ?? plain)(value).replace("-", "−");
}

/**
 * A value at an axis, where room is short: the unit stands in the title.
 * @param {number} value
 * @param {string} unit
 */
export function axisText(value, unit) {
  if (unit === "units" || unit === "units_per_second" || unit === "per_second") return valueText(value, "none");
  return valueText(value, unit);
}

/** Words for the unit behind the title of a chart; empty where values tell it themselves.
 * @param {string} unit
 */
export function unitWords(unit) {
  return { per_second: "per second", units: "capacity units", units_per_second: "capacity units per second" }[unit] ?? "";
}
