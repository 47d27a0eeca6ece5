// The side panel: a link with data-panel opens its page beside the list; Back closes it again.
import htmx from "htmx.org";
import { all, on, one, recall, remember } from "./page.js";

const panel = () => one("#panel");
const content = () => one("#panel-content");
let opened = "";
let cameFrom = null;
let currentId = "";

// What an address may open beside the list: pages of ours that have a panel, never another place.
const ours = (path) => /^\/(loops|appointments|messages|demo\/mailbox)\/[\w.@-]+\/(\?[^#]*)?$/.test(path);
const plain = (path) => path.split("?")[0];

function markRows() {
  for (const row of all("[data-row]")) {
    const link = one(".l-row-link", row);
    row.classList.toggle("is-open", Boolean(opened) && link && plain(link.getAttribute("href")) === plain(opened));
  }
}

function address(path) {
  const url = new URL(location.href);
  if (path) url.searchParams.set("open", path);
  else url.searchParams.delete("open");
  return url.pathname + url.search + url.hash;
}

export const isOpen = () => document.body.classList.contains("has-panel");

export async function openPanel(path, { from = null, focus = true, history: write = true } = {}) {
  if (!ours(path)) return undefined;
  if (!panel()) return location.assign(path);
  const wasOpen = isOpen();
  cameFrom = from || cameFrom;
  opened = path;
  document.body.classList.add("has-panel");
  markRows();
  if (write) {
    const state = { ...history.state, liaisonPanel: path };
    if (wasOpen) history.replaceState(state, "", address(path));
    else history.pushState(state, "", address(path));
  }
  await htmx.ajax("GET", path, { target: "#panel-content", swap: "innerHTML" });
  if (opened !== path) return;
  content().scrollTop = 0;
  if (focus && !content().contains(document.activeElement)) content().focus({ preventScroll: true });
}

export function closePanel({ history: write = true } = {}) {
  if (!isOpen()) return;
  document.body.classList.remove("has-panel");
  opened = "";
  content().replaceChildren();
  markRows();
  if (write) history.replaceState({ ...history.state, liaisonPanel: null }, "", address(""));
  const back = cameFrom?.isConnected ? cameFrom : one("[data-row].is-current .l-row-link");
  back?.focus({ preventScroll: true });
}

on("click", "a[data-panel]", (event, link) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button || !panel()) return;
  if (!ours(link.getAttribute("href"))) return;
  event.preventDefault();
  const row = link.closest("[data-row]");
  if (row) setCurrent(row);
  openPanel(link.getAttribute("href"), { from: row ? one(".l-row-link", row) : link });
});
on("click", "[data-panel-close]", (event) => {
  event.preventDefault();
  closePanel();
});
addEventListener("popstate", () => {
  const path = new URLSearchParams(location.search).get("open");
  if (path) openPanel(path, { history: false });
  else closePanel({ history: false });
});
document.addEventListener("htmx:pushedIntoHistory", () => {
  if (isOpen() && opened) history.replaceState({ ...history.state, liaisonPanel: opened }, "", address(opened));
});
// A row that was fetched again is still the current one.
document.addEventListener("htmx:afterSettle", () => {
  const row = currentId ? document.getElementById(currentId) : null;
  if (row?.matches("[data-row]") && !row.classList.contains("is-current")) {
    row.classList.add("is-current");
    if (document.activeElement === document.body) one(".l-row-link", row)?.focus({ preventScroll: true });
  }
  markRows();
});

/** The row the keys act on. */
export function setCurrent(row) {
  all("[data-row].is-current").forEach((other) => other !== row && other.classList.remove("is-current"));
  row.classList.add("is-current");
  currentId = row.id;
  if (row.id) remember(`row:${location.pathname}`, row.id);
}
export const currentRow = () => {
  const focused = document.activeElement?.closest?.("[data-row]");
  return focused || one("[data-row].is-current");
};
on("focusin", "[data-row]", (_, row) => setCurrent(row));

document.addEventListener("DOMContentLoaded", () => {
  const known = recall(`row:${location.pathname}`);
  const row = known && document.getElementById(known);
  if (row) row.classList.add("is-current");
  const path = new URLSearchParams(location.search).get("open");
  if (path && panel()) openPanel(path, { history: false, focus: false });
});
