// @ts-check
// Answers for parts: only the newest counts, and one that failed or is not ready is asked for again.

const RETRY_MS = 60_000;

/** @typedef {{target: HTMLElement, xhr: XMLHttpRequest, requestConfig: {elt: HTMLElement}}} Asked */
/** @typedef {{ajax: (verb: string, path: string, how: {source: Element, target: Element}) => Promise<void>}} Htmx */

/** @type {Map<Element, ReturnType<typeof setTimeout>>} by the element that the answer is put into */
const due = new Map();

/** @type {WeakMap<Element, XMLHttpRequest>} by the element that the answer is put into */
const newest = new WeakMap();

/** Begins; once a page. */
export function startAskingAgain() {
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const { target, xhr } = /** @type {CustomEvent<Asked>} */ (event).detail;
    forget(target);
    newest.set(target, xhr);
  });
  // Several elements ask for the same part: its filters, and the part itself.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = /** @type {CustomEvent<Asked>} */ (event).detail;
    if (newest.get(target) !== xhr) event.preventDefault();
  });
  listen("htmx:afterOnLoad", ({ target, xhr, requestConfig }) => {
    const seconds = Number(xhr.getResponseHeader("Retry-After"));
    if (xhr.status < 300 && seconds > 0) plan(requestConfig.elt, target, seconds * 1000);
  });
  listen("htmx:sendError", failed("The server does not answer."));
  listen("htmx:timeout", failed("The server has not answered for a minute."));
  listen("htmx:responseError", (asked) => {
    if (asked.xhr.status === 401) location.reload();
    else failed(`This part could not be loaded: the server answered ${asked.xhr.status}.`)(asked);
  });
}

/**
 * Hears of what became of the newest question for a part.
 * @param {string} name
 * @param {(asked: Asked) => void} run
 */
function listen(name, run) {
  document.body.addEventListener(name, (event) => {
    const { detail } = /** @type {CustomEvent<Asked>} */ (event);
    if (newest.get(detail.target) === detail.xhr) run(detail);
  });
}

/**
 * @param {string} words
 * @returns {(asked: Asked) => void}
 */
function failed(words) {
  return ({ target, requestConfig }) => {
    say(target, `${words} It is asked again in a minute.`);
    plan(requestConfig.elt, target, RETRY_MS);
  };
}

/**
 * Says it above what is still there, until an answer takes the place of both.
 * @param {Element} target
 * @param {string} words
 */
function say(target, words) {
  target.removeAttribute("aria-busy");
  target.querySelector(":scope > .progress")?.remove();
  let notice = target.querySelector(":scope > .failed");
  if (!notice) {
    notice = document.createElement("p");
    notice.className = "notice warning failed";
    notice.setAttribute("role", "status");
    target.prepend(notice);
  }
  // It is read out when it changes, and not once a minute.
  if (notice.textContent !== words) notice.textContent = words;
}

/** @param {Element} target */
function forget(target) {
  clearTimeout(due.get(target));
  due.delete(target);
}

/** @param {Element} source @param {Element} target @param {number} afterMs */
function plan(source, target, afterMs) {
  forget(target);
  due.set(
    target,
    setTimeout(() => {
      due.delete(target);
      ask(source, target);
    }, afterMs),
  );
}

/** @param {Element} source @param {Element} target */
function ask(source, target) {
  if (!target.isConnected) return;
  // What lay within the part may have gone with its content.
  const asking = source.isConnected ? source : target;
  const path = asking.getAttribute("hx-get");
  const { htmx } = /** @type {{htmx: Htmx}} */ (/** @type {unknown} */ (window));
  // How it failed is told by the events.
  if (path) void htmx.ajax("get", path, { source: asking, target }).catch(() => {});
}
