// Ctrl-K: any patient, any action.
import { all, headers, on, one } from "./page.js";
import { currentRow } from "./panel.js";
import { dress } from "./row-actions.js";

let asked = 0;
let timer = 0;
let chosen = 0;
let pending = false; // what is shown answers an older question
let wanted = false; // Enter was pressed before the answer came

const dialog = () => one("#palette");
const box = () => one("#palette-box");
const list = () => one("#palette-list");
const options = () => all('[role="option"]', list());

function choose(index) {
  const found = options();
  if (!found.length) return box().removeAttribute("aria-activedescendant");
  chosen = (index + found.length) % found.length;
  found.forEach((option, at) => {
    option.id ||= `palette-option-${at}`;
    option.setAttribute("aria-selected", String(at === chosen));
  });
  box().setAttribute("aria-activedescendant", found[chosen].id);
  found[chosen].scrollIntoView({ block: "nearest" });
}

/** What can be pressed on this page, so that the palette also knows "Snooze" and "Book". */
function hereActions(words) {
  dress(currentRow());
  const seen = new Set();
  return all("[data-key][data-label]").filter((each) => {
    const label = each.dataset.label.toLowerCase();
    if (seen.has(label) || !words.every((word) => label.includes(word))) return false;
    seen.add(label);
    return true;
  });
}

function showHere(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const offered = new Set(all("[data-does]", list()).map((each) => each.dataset.does));
  const here = hereActions(words).filter((each) => !offered.has(each.dataset.label)).slice(0, 6);
  if (!here.length) return;
  const group = document.createElement("div");
  group.setAttribute("role", "group");
  const title = document.createElement("div");
  title.className = "l-palette-head";
  title.setAttribute("aria-hidden", "true");
  title.textContent = dialog().dataset.here;
  group.setAttribute("aria-label", title.textContent);
  const rows = here.map((each) => {
    const row = document.createElement("div");
    row.setAttribute("role", "option");
    const icon = one("svg", each);
    if (icon) row.append(icon.cloneNode(true));
    row.append(each.dataset.label);
    const key = document.createElement("kbd");
    key.textContent = each.dataset.key;
    key.className = "l-quiet";
    row.append(key);
    row.addEventListener("click", () => {
      dialog().close();
      each.click();
    });
    return row;
  });
  group.append(title, ...rows);
  list().append(group);
}

async function ask() {
  const mine = ++asked;
  const text = box().value.trim();
  const patient = location.pathname.match(/^\/patients\/(\d+)\//)?.[1] ?? "";
  const url = `${dialog().dataset.url}?q=${encodeURIComponent(text)}&patient=${patient}`;
  try {
    const answer = await fetch(url, { headers: { ...headers(), "HX-Request": "true" } });
    const html = await answer.text();
    if (mine !== asked) return;
    if (!answer.ok) throw new Error(String(answer.status));
    list().innerHTML = html;
  } catch {
    if (mine === asked) list().textContent = "The search can't be reached. Try again.";
  }
  if (mine !== asked) return;
  showHere(text);
  choose(0);
  pending = false;
  if (wanted) {
    wanted = false;
    options()[0]?.click();
  }
}

export function openPalette() {
  if (!dialog() || dialog().open) return Boolean(dialog());
  dialog().showModal();
  box().value = "";
  pending = true;
  wanted = false;
  ask();
  return true;
}

on("input", "#palette-box", () => {
  clearTimeout(timer);
  pending = true;
  wanted = false;
  timer = setTimeout(ask, 80);
});
on("keydown", "#palette-box", (event) => {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (steps[event.key]) {
    event.preventDefault();
    choose(chosen + steps[event.key]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (pending) wanted = true;
    else options()[chosen]?.click();
  }
});
on("click", "[data-palette-type]", (_, option) => {
  box().value = option.dataset.paletteType; // the action stands there; the patient's name comes next
  box().focus();
  pending = true;
  ask();
});
on("click", "[data-palette-open]", (event) => {
  event.preventDefault();
  document.body.classList.remove("is-menu-open");
  openPalette();
});
on("click", "dialog.l-dialog", (event, element) => {
  if (event.target === element) element.close();
});
on("click", "[data-dialog-close]", (_, button) => button.closest("dialog").close());
