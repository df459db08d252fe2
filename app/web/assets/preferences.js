// @ts-check

/**
 * Remembers a choice of the reader in this browser; one that allows no storage forgets it.
 * @param {string} name
 * @param {string} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A choice that lasts as long as the page.
  }
}
