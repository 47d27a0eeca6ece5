// Small words that every module uses.
export const one = (selector, within = document) => within.querySelector(selector);
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];
export const visible = (element) => Boolean(element && element.getClientRects().length);

/** Run `f` once for the whole page; the listener sits on the document, so swapped pieces need no wiring. */
export function on(event, selector, f, options) {
  document.addEventListener(
    event,
    (happening) => {
      const found = happening.target instanceof Element ? happening.target.closest(selector) : null;
      if (found) f(happening, found);
    },
    options,
  );
}

export const typing = (element) =>
  element instanceof Element &&
  Boolean(element.closest("input:not([type=checkbox],[type=radio],[type=button],[type=submit]), textarea, select, [contenteditable=true]"));

export const setting = (name) => document.body.dataset[name] || "";

export function remember(key, value) {
  try {
    if (value === null) sessionStorage.removeItem(`liaison.${key}`);
    else sessionStorage.setItem(`liaison.${key}`, value);
  } catch {
    // Private windows may refuse; the page then just forgets.
  }
}
export function recall(key) {
  try {
    return sessionStorage.getItem(`liaison.${key}`);
  } catch {
    return null;
  }
}

/** Nobody is there: what is asked for by itself would be refused, again and again. Signing in opens the page anew. */
export const locked = () => visible(one("#lock"));

/** The token that a POST needs, from the page's own headers. */
export const headers = () => JSON.parse(document.body.getAttribute("hx-headers") || "{}");
