// @ts-check
// Where a reader is in a part stays when the part is loaded again: what is open, scrolled, focused.

const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
const SCROLLED = ".scroll, pre";

/** @typedef {{target: HTMLElement, requestConfig: {triggeringEvent?: Event}}} Swap */

/** Begins; once a page. */
export function startKeepingPlaces() {
  /** @type {WeakMap<Element, () => void>} */
  const restoring = new WeakMap();
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig } = /** @type {CustomEvent<Swap>} */ (event).detail;
    const trigger = requestConfig.triggeringEvent;
    const isAgain = !trigger || trigger.type.startsWith("hydrant:");
    const focus = focusIn(target, isAgain);
    // What a reader asked for is another content, which begins as it comes.
    const others = isAgain ? [openIn(target), scrollIn(target)] : [];
    restoring.set(target, () => [...others, focus].forEach((restore) => restore()));
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const { target } = /** @type {CustomEvent<Swap>} */ (event).detail;
    restoring.get(target)?.();
    restoring.delete(target);
  });
  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { detail } = /** @type {CustomEvent<{target: Element, shouldSwap: boolean}>} */ (event);
    // A list of choices that is open would close.
    if (detail.target.contains(document.activeElement)) detail.shouldSwap = false;
  });
}

/** @param {Element} target */
function openIn(target) {
  const before = named(target, "details > summary");
  const open = new Map([...before].map(([name, summary]) => [name, isOpen(summary)]));
  return () => {
    for (const [name, summary] of named(target, "details > summary")) {
      summary.parentElement?.toggleAttribute("open", open.get(name) ?? isOpen(summary));
    }
  };
}

/** @param {Element} summary */
function isOpen(summary) {
  return summary.parentElement?.hasAttribute("open") ?? false;
}

/** @param {Element} target */
function scrollIn(target) {
  const before = named(target, SCROLLED);
  const places = new Map([...before].map(([name, { scrollLeft: left, scrollTop: top }]) => [name, { left, top }]));
  return () => {
    for (const [name, element] of named(target, SCROLLED)) {
      const place = places.get(name);
      if (place) element.scrollTo({ ...place, behavior: "instant" });
    }
  };
}

/** @param {Element} target @param {boolean} isAgain */
function focusIn(target, isAgain) {
  const focused = document.activeElement;
  if (!focused || focused === target || !target.contains(focused)) return () => {};
  const [name] = [...named(target, FOCUSABLE)].find(([, element]) => element === focused) ?? [];
  return () => {
    // htmx itself finds what has an id.
    if (document.activeElement !== document.body) return;
    const found = named(target, FOCUSABLE).get(name ?? "");
    if (found instanceof HTMLElement) {
      if (found instanceof HTMLInputElement && focused instanceof HTMLInputElement) found.value = focused.value;
      found.focus({ preventScroll: true });
    } else focusHeading(target, isAgain);
  };
}

/**
 * The beginning of what came instead.
 * @param {Element} target
 * @param {boolean} preventScroll
 */
function focusHeading(target, preventScroll) {
  const label = target.closest("[aria-labelledby]")?.getAttribute("aria-labelledby") ?? "";
  const heading = target.querySelector("h2, h3") ?? document.getElementById(label) ?? target;
  if (!(heading instanceof HTMLElement)) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll });
}

/**
 * Elements by what they are called, numbered where several are called the same.
 * @param {Element} root
 * @param {string} selector
 * @returns {Map<string, Element>}
 */
function named(root, selector) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  /** @type {Map<string, Element>} */
  const found = new Map();
  for (const element of root.querySelectorAll(selector)) {
    const name = nameOf(element);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    found.set(`${count} ${name}`, element);
  }
  return found;
}

/** @param {Element} element */
function nameOf(element) {
  const label = element.getAttribute("aria-label") ?? element.getAttribute("aria-labelledby") ?? element.getAttribute("name");
  if (label) return `${element.tagName} ${label}`;
  const text = element.textContent ?? "";
  // A summary counts what is in it, and that changes.
  return `${element.tagName} ${element.tagName === "SUMMARY" ? text.replace(/\d+/g, "#") : text}`;
}
