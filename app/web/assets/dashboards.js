// @ts-check
// The choices at the top of a dashboard: long lists can be searched, and one that is open closes.

const form = document.querySelector("form[data-variables]");

if (form instanceof HTMLFormElement) {
  for (const choice of form.querySelectorAll("details[data-choice]")) prepare(choice, form);
  document.addEventListener("click", (event) => {
    for (const choice of form.querySelectorAll("details[data-choice][open]")) {
      if (event.target instanceof Node && !choice.contains(event.target)) choice.removeAttribute("open");
    }
  });
}

/**
 * @param {Element} choice
 * @param {HTMLFormElement} form
 */
function prepare(choice, form) {
  const labels = [...choice.querySelectorAll("label")];
  const find = choice.querySelector("[data-find]");
  find?.addEventListener("input", () => {
    const wanted = find instanceof HTMLInputElement ? find.value.toLowerCase() : "";
    for (const label of labels) label.hidden = !(label.textContent ?? "").toLowerCase().includes(wanted);
  });
  choice.querySelector("[data-clear]")?.addEventListener("click", () => {
    for (const box of choice.querySelectorAll("input[type=checkbox]")) {
      if (box instanceof HTMLInputElement) box.checked = false;
    }
    form.requestSubmit();
  });
  choice.addEventListener("keydown", (event) => {
    if (event instanceof KeyboardEvent && event.key === "Escape") {
      choice.removeAttribute("open");
      choice.querySelector("summary")?.focus();
    }
  });
}
