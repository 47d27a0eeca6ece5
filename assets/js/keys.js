// The keyboard: j and k move, a letter presses what carries it, ? shows the sheet.
import { all, one, typing, visible } from "./page.js";
import { closePanel, currentRow, isOpen, openPanel, setCurrent } from "./panel.js";
import { openPalette } from "./palette.js";
import { dress } from "./row-actions.js";

const FOLLOW_AFTER = 140;
let follow = 0;
let going = 0;

function move(step) {
  const rows = all("[data-row]").filter((row) => visible(row) && one(".l-row-link", row));
  if (!rows.length) return false;
  const at = rows.indexOf(currentRow());
  const row = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step))];
  const link = one(".l-row-link", row);
  setCurrent(row);
  link.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  if (at === rows.length - 1 && step > 0) one("[data-more]")?.click();
  if (isOpen() && link.matches("[data-panel]")) {
    clearTimeout(follow);
    follow = setTimeout(() => openPanel(link.getAttribute("href"), { from: link, focus: false }), FOLLOW_AFTER);
  }
  return true;
}

function press(letter) {
  dress(currentRow());
  const panel = isOpen() ? one("#panel") : null;
  const inPanel = panel?.contains(document.activeElement);
  const near = [inPanel ? panel : null, currentRow(), panel];
  const can = (each) => !each.disabled && each.getAttribute("aria-disabled") !== "true";
  for (const scope of [...near, one("#work"), document.body]) {
    // What stands in a row is pressed in the row that was chosen, never in one that nobody meant.
    const meant = (each) => near.includes(scope) || !each.closest("[data-row]") || each.matches("[data-of-page]");
    const found = scope && all(`[data-key="${letter}"]`, scope).find((each) => can(each) && meant(each));
    if (!found) continue;
    if (found.matches("input, select, textarea")) found.focus();
    else found.click();
    return true;
  }
  return false;
}

function goTo(letter) {
  const link = one(`[data-go="${letter}"]`);
  if (link) location.assign(link.href);
  return Boolean(link);
}

function escape() {
  const menu = one("details.l-menu[open]");
  if (menu) {
    menu.open = false;
    one("summary", menu).focus();
  } else if (document.body.classList.contains("is-menu-open")) document.body.classList.remove("is-menu-open");
  else if (typing(document.activeElement)) document.activeElement.blur();
  else if (isOpen()) closePanel();
  else return false;
  return true;
}

function handle(event) {
  const key = event.key;
  if (key === "Escape") return escape();
  if (typing(event.target)) return false;
  if (going && Date.now() - going < 1200) {
    going = 0;
    return goTo(key);
  }
  if (key === "j" || (key === "ArrowDown" && event.target.closest?.("[data-row]"))) return move(1);
  if (key === "k" || (key === "ArrowUp" && event.target.closest?.("[data-row]"))) return move(-1);
  if (key === "Enter" && event.target === document.body) {
    const link = currentRow() && one(".l-row-link", currentRow());
    link?.click();
    return Boolean(link);
  }
  if (key === "/") return openPalette();
  if (key === "?") return openSheet();
  if (key === "g") {
    going = Date.now();
    return true;
  }
  return key.length === 1 && /[a-z0-9]/i.test(key) ? press(key) : false;
}

/** What a press of its key does: its name for the palette, its name for screen readers, or its own words; never a patient's name. */
function saying(element) {
  if (element.matches("[data-private]")) return one("#sheet").dataset.patient;
  const words = element.dataset.label || element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent || element.title;
  return words.trim().replace(/\s+/g, " ").slice(0, 60);
}

/** Every key that this page declares, the current row's and the panel's included; a key that several carry says what all of them do. */
function keysHere() {
  dress(currentRow());
  const keys = new Map();
  for (const element of all("[data-key]")) {
    const key = element.dataset.key;
    if (!keys.has(key)) keys.set(key, new Set());
    if (saying(element)) keys.get(key).add(saying(element));
  }
  for (const told of all("[data-keys-told]")) keys.set(told.dataset.keysTold, new Set([saying(told)]));
  return [...keys].filter(([, words]) => words.size).sort(([a], [b]) => a.localeCompare(b));
}

function tellKeys(sheet) {
  const place = one("[data-sheet-here]", sheet);
  const rows = keysHere().flatMap(([keys, words]) => {
    const term = document.createElement("dt");
    const meaning = document.createElement("dd");
    for (const key of keys.split(" ")) term.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    meaning.textContent = [...words].slice(0, 3).join(", ");
    return [term, meaning];
  });
  one("dl", place).replaceChildren(...rows);
  place.hidden = !rows.length;
}

export function openSheet() {
  const sheet = one("#sheet");
  if (!sheet) return false;
  tellKeys(sheet);
  sheet.showModal();
  return true;
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    const form = event.target.closest?.("form");
    if (form) form.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || one("dialog[open]") || one("#lock:not([hidden])")) return;
  if (handle(event)) event.preventDefault();
});
