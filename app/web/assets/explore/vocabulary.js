// @ts-check
// What can be written: names and labels that the server has, and the functions of its engine.

/** @typedef {{text: string, kind: string, insert: string}} Suggestion */

/** @type {Map<string, Promise<unknown>>} */
const asked = new Map();

/**
 * The data of an answer of the Prometheus API; asked for once a page. Nothing where it fails, until
 * it is asked for again: completion is a help, and the query itself will tell what is wrong.
 * @param {string} path
 * @returns {Promise<unknown>}
 */
function data(path) {
  let answer = asked.get(path);
  if (!answer) {
    answer = fetch(path, { headers: { Accept: "application/json" } })
      .then((response) => (response.ok ? response.json() : Promise.reject(response.status)))
      .then((content) => content.data ?? null)
      .catch(() => {
        asked.delete(path);
        return null;
      });
    asked.set(path, answer);
  }
  return answer;
}

/** @param {string} metric */
function selecting(metric) {
  return metric ? `?match[]=${encodeURIComponent(metric)}` : "";
}

/**
 * Metrics and functions.
 * @returns {Promise<Suggestion[]>}
 */
export async function names() {
  const [metadata, functions] = await Promise.all([data("/prometheus/api/v1/metadata"), functionNames()]);
  const metrics = Object.entries(/** @type {Record<string, {help: string}[]>} */ (metadata ?? {})).map(([name, known]) => ({
    text: name,
    kind: known[0]?.help ?? "",
    insert: name,
  }));
  return [...metrics, ...functions];
}

/** @returns {Promise<Suggestion[]>} */
async function functionNames() {
  const known = document.querySelector("[data-functions]")?.getAttribute("data-functions") ?? "[]";
  return JSON.parse(known);
}

/**
 * Names of the labels of a metric, or of all.
 * @param {string} metric
 * @returns {Promise<Suggestion[]>}
 */
export async function labels(metric) {
  const found = /** @type {string[]} */ ((await data(`/prometheus/api/v1/labels${selecting(metric)}`)) ?? []);
  return found.filter((name) => name !== "__name__").map((name) => ({ text: name, kind: "label", insert: name }));
}

/**
 * Values of a label, of a metric or of all.
 * @param {string} label
 * @param {string} metric
 * @returns {Promise<Suggestion[]>}
 */
export async function values(label, metric) {
  const path = `/prometheus/api/v1/label/${encodeURIComponent(label)}/values${selecting(metric)}`;
  const found = /** @type {string[]} */ ((await data(path)) ?? []);
  return found.map((value) => ({ text: value, kind: label, insert: value.replaceAll("\\", "\\\\").replaceAll('"', '\\"') }));
}
