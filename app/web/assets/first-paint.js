// @ts-check
// Runs before anything is painted: the theme and the times that the reader chose the last time.
// It is no module, because modules run after the first paint.
(() => {
  /** @param {string} name */
  const remembered = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  };
  const root = document.documentElement;
  const theme = remembered("hydrant-theme");
  if (theme === "light" || theme === "dark") root.dataset["theme"] = theme;
  if (remembered("hydrant-times") === "local") root.dataset["times"] = "local";
})();
