// @ts-check
// Colours from the style sheet, and lines that differ in more than their colour.

const COLOURS = 8;
const DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3]];

/** @param {string} name a variable of base.css without its dashes */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * How the series of a place is drawn: the next eight have a pattern of their own.
 * @param {number} place from 0
 */
export function lineOf(place) {
  const pattern = Math.floor(place / COLOURS) % DASHES.length;
  return { stroke: colour(`series-${(place % COLOURS) + 1}`), dash: DASHES[pattern] ?? [], pattern };
}

/**
 * A colour that what lies behind it shines through.
 * @param {string} hex `#rrggbb`
 * @param {number} share of opacity, 0 to 1
 */
export function translucent(hex, share) {
  const parts = /^#(..)(..)(..)$/.exec(hex);
  if (!parts) return hex;
  const [red, green, blue] = parts.slice(1).map((part) => Number.parseInt(part, 16));
  return `rgba(${red}, ${green}, ${blue}, ${share})`;
}
