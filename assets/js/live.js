// Changes by others arrive as server-sent events; the pieces that show them fetch themselves again.
import htmx from "htmx.org";
import { all, locked, on, one, setting } from "./page.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
const MOST_TOPICS = 60;
let source = null;
let listening = "";
let wait = FIRST_WAIT;
let lost = false;
let again = 0;
// When the page was asked for, or a piece of it: what was announced since then may not show in it.
const { requestStart = 0, responseStart = 0 } = performance.getEntriesByType("navigation")[0] ?? {};
let deafSince = requestStart;
/** That moment by the clock of the server, in seconds; rather a little earlier than later. */
const deafSinceThere = () => Number(setting("now")) + (deafSince - responseStart) / 1000;

const weight = (element) => (element.dataset.presence ? 0 : element.closest("#panel") ? 1 : 2);
const byWeight = (one, other) => weight(one) - weight(other);
const topicsOf = (element) => (element.dataset.live || element.dataset.presence || "").split(/\s+/).filter(Boolean);
// The server follows at most 60 topics for one page; presence and the open panel come first, then the rows on top.
const wanted = () => [...new Set(all("[data-presence], #panel [data-live], [data-live]").sort(byWeight).flatMap(topicsOf))].slice(0, MOST_TOPICS);

const waiting = new Map();
const TOGETHER = 80;
let lastOwn = 0;

/** Somebody is writing in this piece: it must not be swapped away under their hands. */
const inUse = (piece) => all("form", piece).some((form) => form.closest("[data-live]") === piece && form.matches(".l-loop-do form"));

/**
 * This piece is on its way itself (what comes may be older than the news) or has just come and does not listen yet; or
 * somebody pressed something in it and waits for the answer, which must find its place; or carries a card.
 */
const answerComing = (piece) => piece.matches(".htmx-request, .htmx-added") || pressedIn(piece);
const pressedIn = (piece) => Boolean(one(".htmx-request, .is-dragged", piece));

/** What stands now where this piece stood before it was swapped away. */
function successor(piece) {
  if (piece.id) return document.getElementById(piece.id);
  const address = piece.getAttribute("hx-get");
  return all("[data-live]").find((each) => each.getAttribute("hx-get") === address);
}

function fetchLater(piece, detail) {
  clearTimeout(waiting.get(piece)?.timer);
  waiting.set(piece, { detail, timer: setTimeout(() => fetchAgain(piece, detail), TOGETHER) });
}

function fetchAgain(piece, detail) {
  waiting.delete(piece);
  if (detail.own || detail.what === "missed") lastOwn = Date.now();
  const here = piece.isConnected ? piece : successor(piece);
  if (!here || (here !== piece && waiting.has(here))) return;
  if (answerComing(here)) return fetchLater(here, pressedIn(here) ? { ...detail, own: false } : detail);
  if (!detail.own && inUse(here)) {
    one("[data-changed-note]", here)?.removeAttribute("hidden");
    return;
  }
  htmx.trigger(here, "live", detail);
}

/** Something about this topic changed: fetch what shows it, once for changes that come together. */
export function announce(topic, detail = {}) {
  document.body.dispatchEvent(new CustomEvent(`live:${topic}`, { detail }));
  if (detail.what === "presence") return document.dispatchEvent(new Event("liaison:presence"));
  for (const piece of all("[data-live]")) {
    if (!topicsOf(piece).includes(topic)) continue;
    const known = waiting.get(piece)?.detail;
    fetchLater(piece, known?.own ? known : detail);
  }
}

// Somebody pressed something while the piece was on its way: what came waits, for the answer must find its place.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { requestConfig, shouldSwap } = event.detail;
  const piece = requestConfig?.elt;
  if (!shouldSwap || !requestConfig?.headers?.["Liaison-Background"] || !piece?.matches?.("[data-live]")) return;
  const own = requestConfig.triggeringEvent?.detail?.own;
  if (!pressedIn(piece) && (own || !inUse(piece))) return;
  event.detail.shouldSwap = false;
  fetchLater(piece, { own: false });
});

function mark(isLost) {
  if (lost && !isLost) wanted().forEach((topic) => announce(topic, { what: "caught-up" }));
  lost = isLost;
  document.body.classList.toggle("is-link-lost", isLost);
}

function receive(message) {
  let news;
  try {
    news = JSON.parse(message.data);
  } catch {
    return;
  }
  if (news.topic) announce(news.topic, news);
}

function connect() {
  clearTimeout(again);
  if (source || deafSince === Infinity) deafSince = Math.min(deafSince, performance.now());
  source?.close();
  source = null;
  const base = setting("events");
  const topics = wanted();
  listening = topics.join(",");
  if (!base || !topics.length || locked()) return;
  const url = new URL(base, location.href);
  url.searchParams.set("topics", listening);
  url.searchParams.set("since", deafSinceThere().toFixed(3));
  source = new EventSource(url, { withCredentials: true });
  source.onopen = () => {
    wait = FIRST_WAIT;
    deafSince = Infinity;
    mark(false);
  };
  source.addEventListener("live", receive);
  source.onerror = () => {
    if (wait > FIRST_WAIT * 2) mark(true);
    deafSince = Math.min(deafSince, performance.now());
    source.close();
    again = setTimeout(connect, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  };
}

let soon = 0;
const check = () => {
  clearTimeout(soon);
  soon = setTimeout(() => {
    if (wanted().join(",") !== listening) connect();
    else if (source?.readyState === EventSource.OPEN) deafSince = Infinity;
  }, 200);
};
// A piece that comes with topics of its own is as old as the request for it.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.verb === "get") deafSince = Math.min(deafSince, performance.now());
});
document.addEventListener("DOMContentLoaded", connect);
document.addEventListener("htmx:afterSettle", check);
addEventListener("online", connect);
document.addEventListener("liaison:locked", connect); // which only closes what is open
addEventListener("pagehide", () => source?.close());
// A piece that was fetched because of somebody else's change shows that it changed.
document.addEventListener("htmx:afterSwap", (event) => {
  const { elt, requestConfig } = event.detail;
  const others = requestConfig?.headers?.["Liaison-Background"] && Date.now() - lastOwn > 2000;
  if (others && elt.matches?.("[data-row], .l-loop")) elt.classList.add("is-changed");
  const news = others && elt.matches?.("[data-row]") ? one("[data-news]", elt) : null;
  if (news) heard().textContent = `${news.textContent.trim()}: ${one(".l-row-link", elt)?.textContent || ""}`;
});
// Where a screen reader hears what somebody else took: the row itself was swapped, so it can't say so.
function heard() {
  const known = one("#heard");
  if (known) return known;
  const place = Object.assign(document.createElement("div"), { id: "heard", className: "l-sr" });
  place.setAttribute("role", "status");
  document.body.append(place);
  return place;
}
on("click", "[data-show-change]", (_, button) => htmx.trigger(button.closest("[data-live]"), "live", {}));
