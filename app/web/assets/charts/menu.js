// @ts-check
// The menu of a chart: a button and a list, usable by keyboard as WAI-ARIA's menu button describes.

/** @typedef {{text: string, run?: () => void, address?: () => string}} Entry */

let menus = 0;

/**
 * @param {string} label of the button
 * @param {() => Entry[]} entries made when the menu opens
 */
export function menu(label, entries) {
  const root = document.createElement("div");
  root.className = "menu";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "⋯";
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  const list = document.createElement("ul");
  list.id = `menu-${(menus += 1)}`;
  list.setAttribute("role", "menu");
  list.setAttribute("aria-label", label);
  list.hidden = true;
  button.setAttribute("aria-controls", list.id);
  root.append(button, list);

  const close = (focus = true) => {
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("click", outside);
    if (focus) button.focus();
  };
  /** @param {Event} event */
  const outside = (event) => {
    if (event.target instanceof Node && !root.contains(event.target)) close(false);
  };
  const open = () => {
    list.replaceChildren(...entries().map((entry) => itemOf(entry, close)));
    list.hidden = false;
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("click", outside);
    focusOn(0);
  };
  /** @param {number} place */
  const focusOn = (place) => {
    const items = /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("[role=menuitem]"));
    items[(place + items.length) % items.length]?.focus();
  };
  button.addEventListener("click", () => (list.hidden ? open() : close()));
  list.addEventListener("keydown", (event) => {
    const place = [...list.querySelectorAll("[role=menuitem]")].indexOf(/** @type {Element} */ (document.activeElement));
    const moves = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: -1 };
    if (event.key in moves) {
      event.preventDefault();
      focusOn(moves[/** @type {keyof typeof moves} */ (event.key)]);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "Tab") close(false);
  });
  return { element: root, open };
}

/** @param {Entry} entry @param {(focus?: boolean) => void} close */
function itemOf(entry, close) {
  const item = document.createElement("li");
  item.setAttribute("role", "none");
  const control = entry.address ? document.createElement("a") : document.createElement("button");
  if (control instanceof HTMLAnchorElement) control.href = entry.address?.() ?? "";
  else {
    control.type = "button";
    control.addEventListener("click", () => {
      close();
      entry.run?.();
    });
  }
  control.setAttribute("role", "menuitem");
  control.tabIndex = -1;
  control.textContent = entry.text;
  item.append(control);
  return item;
}

/**
 * Puts a text into the clipboard. Where the page may not, it is selected for the reader to copy.
 * @param {string} text
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    offer(text);
    return;
  }
  const said = document.createElement("p");
  said.textContent = "Copied.";
  const element = notice(said);
  setTimeout(() => element.remove(), 6000);
}

/**
 * Shows a text, selected, until the reader closes it.
 * @param {string} text
 */
function offer(text) {
  const before = document.activeElement;
  const label = document.createElement("label");
  label.textContent = "Copy this";
  const field = document.createElement("textarea");
  field.readOnly = true;
  field.rows = 3;
  field.value = text;
  label.append(field);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Close";
  const element = notice(label, button);
  const close = () => {
    element.remove();
    if (before instanceof HTMLElement) before.focus();
  };
  button.addEventListener("click", close);
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  field.focus();
  field.select();
}

/** @param {Element[]} content */
function notice(...content) {
  const element = document.createElement("div");
  element.className = "notice";
  element.append(...content);
  document.getElementById("notices")?.replaceChildren(element);
  return element;
}
