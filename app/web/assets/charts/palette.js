// @ts-check
// Colours from the style sheet, and lines that differ in more than their colour.

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = 8;
/** The first is solid; gaps are short, so that a line stays one. */
const DASHES = [[], [10, 2], [4, 2], [10, 2, 3, 2], [6, 2], [2, 2], [6, 2, 2, 2], [18, 3]];
/** How much of the colour of text is in those of the first eight, the next eight and so on. */
const SHADES = [0, 0.45, 0.25, 0.65];

/** @param {string} name a variable of base.css without its dashes */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * How the series of a place is drawn. Neighbours differ in their dashes, too; the next eight have
 * other dashes and another shade, which tells them from the first where they are filled.
 * @param {number} place from 0
 */
export function lineOf(place) {
  const round = Math.floor(place / COLOURS);
  const stroke = mixed(colour(`series-${(place % COLOURS) + 1}`), colour("text"), SHADES[round % SHADES.length] ?? 0);
  return { stroke, dash: DASHES[(place + round) % DASHES.length] ?? [] };
}

/**
 * The line of a series, as large as a letter.
 * @param {number} place
 */
export function swatchOf(place) {
  const { stroke, dash } = lineOf(place);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "line");
  const attributes = { x1: "0", x2: "100%", y1: "50%", y2: "50%", stroke, "stroke-width": "3", "stroke-dasharray": dash.join(" ") };
  for (const [name, value] of Object.entries(attributes)) line.setAttribute(name, value);
  svg.append(line);
  return svg;
}

/**
 * @param {string} hex `#rrggbb`
 * @param {string} other
 * @param {number} share of the other
 */
function mixed(hex, other, share) {
  const [from, to] = [channels(hex), channels(other)];
  if (!from || !to || share === 0) return hex;
  return `#${from.map((part, place) => Math.round(part + ((to[place] ?? part) - part) * share).toString(16).padStart(2, "0")).join("")}`;
}

/** @param {string} hex `#rrggbb` */
function channels(hex) {
  return /^#(..)(..)(..)$/.exec(hex)?.slice(1).map((part) => Number.parseInt(part, 16));
}

/**
 * A colour that what lies behind it shines through.
 * @param {string} hex `#rrggbb`
 * @param {number} share of opacity, 0 to 1
 */
export function translucent(hex, share) {
  const parts = channels(hex);
  return parts ? `rgba(${parts.join(", ")}, ${share})` : hex;
}
