// @ts-check
// What is being written at the cursor of a PromQL expression. Pure.

/**
 * @typedef {object} Writing
 * @property {"name" | "label" | "value"} kind a metric or function, a label's name, a label's value
 * @property {string} written what there is of it before the cursor
 * @property {number} start where it starts in the text
 * @property {string} metric the metric whose labels are meant; empty where that is not known
 * @property {string} label of a value: the label's name
 */

const WORD = /[A-Za-z_:][A-Za-z0-9_:]*$/;
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*$/;

/**
 * What is being written at a place of a text; null within other strings, numbers and comments.
 * @param {string} text
 * @param {number} cursor
 * @returns {Writing | null}
 */
export function writingAt(text, cursor) {
  const before = text.slice(0, cursor);
  const open = unclosedBrace(before);
  if (open !== null) return inBraces(before, open);
  if (inString(before)) return null;
  const word = WORD.exec(before)?.[0] ?? "";
  const start = cursor - word.length;
  const grouping = GROUPING.exec(before);
  const kind = grouping ? "label" : "name";
  if (/[0-9.$[]$/.test(before.slice(0, start)) || (!word && /\[[^\]]*$/.test(before))) return null;
  return { kind, written: word, start, metric: grouping ? metricNear(text) : "", label: "" };
}

/** @param {string} before @param {number} open @returns {Writing | null} */
function inBraces(before, open) {
  const metric = WORD.exec(before.slice(0, open).trimEnd())?.[0] ?? "";
  const inside = before.slice(open + 1);
  const value = /([A-Za-z_][A-Za-z0-9_]*)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)$/.exec(inside);
  if (value) {
    const written = value[2] ?? "";
    return { kind: "value", written, start: before.length - written.length, metric, label: value[1] ?? "" };
  }
  if (inString(inside)) return null;
  const word = WORD.exec(inside)?.[0] ?? "";
  if (!/(?:^|,)\s*$/.test(inside.slice(0, inside.length - word.length))) return null;
  return { kind: "label", written: word, start: before.length - word.length, metric, label: "" };
}

/** Where the brace is that is open at the end; null without one. @param {string} before */
function unclosedBrace(before) {
  /** @type {number | null} */
  let open = null;
  let quote = "";
  for (let place = 0; place < before.length; place += 1) {
    const sign = before[place] ?? "";
    if (quote) {
      if (sign === "\\" && quote !== "`") place += 1;
      else if (sign === quote) quote = "";
    } else if (sign === '"' || sign === "'" || sign === "`") quote = sign;
    else if (sign === "{") open = place;
    else if (sign === "}") open = null;
  }
  return open;
}

/** @param {string} before */
function inString(before) {
  let quote = "";
  for (let place = 0; place < before.length; place += 1) {
    const sign = before[place] ?? "";
    if (quote) {
      if (sign === "\\" && quote !== "`") place += 1;
      else if (sign === quote) quote = "";
    } else if (sign === '"' || sign === "'" || sign === "`") quote = sign;
    else if (sign === "#") return true;
  }
  return quote !== "";
}

/** The first metric with braces in an expression: the one whose labels a grouping is likely to name. @param {string} text */
function metricNear(text) {
  return /([A-Za-z_:][A-Za-z0-9_:]*)\s*[{[]/.exec(text)?.[1] ?? /\(\s*([A-Za-z_:][A-Za-z0-9_:]{6,})\s*\)/.exec(text)?.[1] ?? "";
}
