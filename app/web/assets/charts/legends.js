// @ts-check
// Names of series for people.

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
  return name ?? "value";
}

/**
 * Legends of several series; those that come out the same get what tells them apart.
 * @param {{template: string, labels: Record<string, string>}[]} series
 */
export function legendsOf(series) {
  const differing = namesThatDiffer(series.map((each) => each.labels));
  // Without a template, what all series have in common says nothing.
  const texts = series.map((each) => {
    const plain = !each.template && series.length > 1 && differing.length > 0;
    return plain ? seriesText(each.labels, differing) : legendOf(each.template, each.labels);
  });
  /** @type {Map<string, number>} */
  const seen = new Map();
  for (const text of texts) seen.set(text, (seen.get(text) ?? 0) + 1);
  return texts.map((text, place) => {
    if ((seen.get(text) ?? 0) < 2) return text;
    const labels = series[place]?.labels ?? {};
    const more = differing.filter((name) => labels[name] && !text.includes(labels[name] ?? "")).map((name) => labels[name]);
    return more.length ? `${text} (${more.join(", ")})` : text;
  });
}

/** @param {Record<string, string>[]} all */
function namesThatDiffer(all) {
  const names = new Set(all.flatMap((labels) => Object.keys(labels)));
  names.delete("__name__");
  return [...names].sort().filter((name) => new Set(all.map((labels) => labels[name])).size > 1);
}
