// @ts-check
// The form of Explore: keys, further expressions, completion.

import { complete } from "./completion.js";

const form = document.querySelector("form[data-explore]");
const list = form?.querySelector("[data-expressions]");

/** @param {HTMLTextAreaElement} area */
function prepare(area) {
  complete(area, () => {
    if (form instanceof HTMLFormElement) form.requestSubmit();
  });
}

for (const area of form?.querySelectorAll("textarea") ?? []) prepare(area);

form?.querySelector("[data-add-expression]")?.addEventListener("click", () => {
  const first = list?.querySelector(".expression");
  if (!list || !first) return;
  const added = /** @type {HTMLElement} */ (first.cloneNode(true));
  added.querySelector(".notice")?.remove();
  added.querySelector(".completion")?.remove();
  list.append(added);
  const area = added.querySelector("textarea");
  if (!area) return;
  area.value = "";
  area.removeAttribute("aria-invalid");
  area.removeAttribute("aria-controls");
  prepare(area);
  area.focus();
});
