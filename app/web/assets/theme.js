// @ts-check
// Light and dark: the system's choice until the reader makes one.

import { remember } from "./preferences.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Whether the page is dark now. */
export function isDark() {
  const chosen = document.documentElement.dataset["theme"];
  return chosen ? chosen === "dark" : dark.matches;
}

/** Makes the switch work; charts redraw on the event `hydrant:theme`. */
export function startTheme() {
  const button = document.querySelector("[data-switch=theme]");
  const say = () => button?.setAttribute("aria-label", isDark() ? "Theme: dark, switch to light" : "Theme: light, switch to dark");
  say();
  button?.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset["theme"] = theme;
    remember("hydrant-theme", theme);
    say();
    document.dispatchEvent(new CustomEvent("hydrant:theme"));
  });
  dark.addEventListener("change", () => {
    say();
    document.dispatchEvent(new CustomEvent("hydrant:theme"));
  });
}
