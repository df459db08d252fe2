// @ts-check
// Names of series for people.

/** What a series without name and labels is called. */
const NAMELESS = "value";

/**
 * The text of a template such as `{{endpoint}} read`; without one, the series as Prometheus writes it.
 * @param {string} template
 * @param {Record<string, string>} labels
 */
export function legendOf(template, labels) {
  const text = template.replaceAll(/\{\{\s*([^}\s]+)\s*\}\}/g, (_, name) => labels[name] ?? "").trim();
  return text || seriesText(labels);
}

/** @param {Record<string, string>} labels @param {string[]} [shown] names of labels; all without it */
function seriesText(labels, shown) {
  const { __name__: name, ...rest } = labels;
  const pairs = Object.entries(rest)
    .filter(([label]) => shown?.includes(label) ?? true)
    .map(([label, value]) => `${label}="${value}"`);
  if (pairs.length) return `${name ?? ""}{${pairs.join(", ")}}`;
  return name ?? NAMELESS;
}

/**
 * @typedef {object} Named a series that gets a legend
 * @property {string} template
 * @property {Record<string, string>} labels
 * @property {string} [expression]
 */

/**
 * Legends of several series, no two of them the same: those that come out the same get what tells
 * them apart, which is labels, then the metric, then the expression, then a letter.
 * @param {Named[]} series
 */
export function legendsOf(series) {
  const differing = namesThatDiffer(series);
  // Without a template, what all series have in common says nothing.
  let texts = series.map((each) => {
    const plain = !each.template && series.length > 1 && differing.length > 0;
    return plain ? seriesText(each.labels, differing) : legendOf(each.template, each.labels);
  });
  for (const more of [labelsThatDiffer, metrics, expressions, letters]) texts = toldApart(series, texts, more);
  return texts;
}

/**
 * Texts of which those that several series have get more.
 * @param {Named[]} series
 * @param {string[]} texts
 * @param {(same: Named[], text: string) => string[]} more texts of those that have the same
 */
function toldApart(series, texts, more) {
  /** @type {Map<string, number[]>} */
  const places = new Map();
  for (const [place, text] of texts.entries()) {
    const same = places.get(text);
    if (same) same.push(place);
    else places.set(text, [place]);
  }
  const result = [...texts];
  for (const [text, found] of places) {
    if (found.length < 2) continue;
    const told = more(found.flatMap((place) => series[place] ?? []), text);
    for (const [number, place] of found.entries()) result[place] = told[number] ?? text;
  }
  return result;
}

/** @param {Named[]} same @param {string} text */
function labelsThatDiffer(same, text) {
  const names = namesThatDiffer(same);
  return same.map((each) => withMore(text, names.flatMap((name) => each.labels[name] || []).join(", ")));
}

/** @param {Named[]} same @param {string} text */
function metrics(same, text) {
  const differ = new Set(same.map((each) => each.labels["__name__"])).size > 1;
  return same.map((each) => withMore(text, (differ && each.labels["__name__"]) || ""));
}

/** @param {Named[]} same @param {string} text */
function expressions(same, text) {
  const differ = new Set(same.map((each) => each.expression)).size > 1;
  return same.map((each) => (differ && each.expression ? (text === NAMELESS ? each.expression : withMore(text, each.expression)) : text));
}

/** @param {Named[]} same @param {string} text */
function letters(same, text) {
  return same.map((_, place) => withMore(text, String.fromCodePoint(65 + place)));
}

/** @param {string} text @param {string} more */
function withMore(text, more) {
  return more ? `${text} (${more})` : text;
}

/**
 * What tells a series from the others of a chart, whatever its legend becomes when others come.
 * @param {{labels: Record<string, string>, expression: string}[]} series
 */
export function keysOf(series) {
  const keys = series.map((each) => JSON.stringify([each.expression, ...Object.entries(each.labels).sort()]));
  // The same expression may be asked twice.
  return keys.map((key, place) => `${keys.slice(0, place).filter((other) => other === key).length} ${key}`);
}

/**
 * The legends of the series whose keys are given.
 * @param {{labels: Record<string, string>, expression: string, legend: string}[]} series
 * @param {Set<string>} keys
 */
export function legendsAt(series, keys) {
  const all = keysOf(series);
  return new Set(series.filter((_, place) => keys.has(all[place] ?? "")).map((each) => each.legend));
}

/** @param {Named[]} series */
function namesThatDiffer(series) {
  const names = new Set(series.flatMap((each) => Object.keys(each.labels)));
  names.delete("__name__");
  return [...names].sort().filter((name) => new Set(series.map((each) => each.labels[name])).size > 1);
}
