// @ts-check
// Questions to the server: what charts ask at the same moment goes together, a few requests at a
// time, and is given up when nobody waits for it any more.

/**
 * @typedef {object} Question an expression with a time or with a range, in Unix seconds
 * @property {string} query
 * @property {number} [time]
 * @property {number} [start]
 * @property {number} [end]
 * @property {number} [step]
 */

/**
 * @typedef {object} Waiting
 * @property {Question} question
 * @property {AbortSignal} signal
 * @property {boolean} alone whether it has held up others
 * @property {(content: any) => void} resolve
 * @property {(error: unknown) => void} reject
 */

/** While one is worked out, the charts of the other are drawn. */
const AT_ONCE = 2;
const MOST_TOGETHER = 8;
/** What a proxy answers for a server that restarts, and a server that has too much to do. */
const BUSY = new Set([429, 502, 503, 504]);
const GOES_ON = "The chart goes on by itself as soon as it does.";

/** @type {Waiting[]} */
let waiting = [];
let running = 0;
let isDue = false;
/**
 * Answers that the page asked for before there was anything to draw them.
 * @type {Map<string, any> | null}
 */
let early = null;
void earlyAnswers().then((found) => {
  early = found;
  sendSoon();
});

/** A question that failed, in words for whoever reads the chart. */
export class Refused extends Error {}

/** The server could not be asked, so that asking again may help. */
export class Unreachable extends Refused {}

/**
 * What the Prometheus API answers to a question.
 * @param {Question} question
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
export function answerTo(question, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => reject(signal.reason));
    waiting.push({ question, signal, alone: false, resolve, reject });
    sendSoon();
  });
}

/** @param {Question} question */
function keyOf({ query, time, start, end, step }) {
  return JSON.stringify([query, time, start, end, step]);
}

/** @returns {Promise<Map<string, any>>} by what was asked; what is not there is asked as usual */
async function earlyAnswers() {
  const link = document.querySelector("link[data-answers]");
  if (!(link instanceof HTMLLinkElement)) return new Map();
  try {
    const { data } = await (await fetch(link.href)).json();
    return new Map(data.map((/** @type {any} */ each) => [keyOf(each.asked), each.answer]));
  } catch {
    return new Map();
  }
}

/** Once all charts that are seen now have put their questions. */
function sendSoon() {
  if (isDue || !early) return;
  isDue = true;
  queueMicrotask(() => {
    isDue = false;
    waiting = waiting.filter((each) => !each.signal.aborted && !isAnswered(each));
    while (running < AT_ONCE && waiting.length) void send(together());
  });
}

/**
 * Whether there was an answer before the question; it serves once, because what comes goes on changing.
 * @param {Waiting} asked
 */
function isAnswered({ question, resolve }) {
  const key = keyOf(question);
  if (!early?.has(key)) return false;
  resolve(early.get(key));
  early.delete(key);
  return true;
}

/** Takes the next questions that go together. */
function together() {
  const slow = waiting.findIndex((each) => each.alone);
  const most = slow < 0 ? MOST_TOGETHER : Math.min(Math.max(slow, 1), MOST_TOGETHER);
  return waiting.splice(0, most);
}

/** @param {Waiting[]} asked */
async function send(asked) {
  const sending = new AbortController();
  for (const { signal } of asked) {
    signal.addEventListener("abort", () => {
      if (asked.every((each) => each.signal.aborted)) sending.abort();
    });
  }
  running += 1;
  try {
    const answers = await answersTo(asked.map((each) => each.question), sending.signal);
    answers.forEach((answer, place) => asked[place]?.resolve(answer));
    // The server leaves out what would wait for a slow one before it.
    const left = asked.slice(answers.length);
    if (!answers.length) throw new Refused("The server answered nothing. Reload the page to try again.");
    waiting.unshift(...left.map((each) => ({ ...each, alone: true })));
  } catch (error) {
    for (const each of asked) each.reject(error);
  } finally {
    running -= 1;
    sendSoon();
  }
}

/**
 * @param {Question[]} queries
 * @param {AbortSignal} signal
 * @returns {Promise<any[]>} answers to the first of them, or to all
 */
async function answersTo(queries, signal) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  const request = { method: "POST", body: JSON.stringify({ queries }), headers, signal };
  const response = await fetch("/prometheus/api/v1/queries", request).catch((error) => {
    throw error instanceof TypeError ? new Unreachable(`The server does not answer. ${GOES_ON}`) : error;
  });
  if (response.status === 401) {
    throw new Refused("You are no longer signed in. Reload the page to sign in again.");
  }
  const content = await response.json().catch(() => null);
  if (BUSY.has(response.status) && content?.errorType !== "timeout") {
    throw new Unreachable(`${content?.error ?? `The server cannot answer now (${response.status}).`} ${GOES_ON}`);
  }
  if (content === null) throw new Refused(`The server answered ${response.status} without data. Reload the page to try again.`);
  if (content.status !== "success") throw new Refused(content.error ?? `The server answered ${response.status}.`);
  return content.data;
}
