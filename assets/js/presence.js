// Who else has this open. Says "here" every 20 seconds while the page is in sight, and "gone" when it closes.
import { all, headers, locked, setting } from "./page.js";

const EVERY = 20_000;

async function beat() {
  if (document.hidden || locked() || !setting("presenceUrl")) return;
  for (const place of all("[data-presence]")) {
    try {
      const answer = await fetch(setting("presenceUrl"), {
        method: "POST",
        headers: { ...headers(), "HX-Request": "true", "Liaison-Background": "1", "Content-Type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ topic: place.dataset.presence }),
      });
      if (answer.ok && !answer.redirected) {
        const html = await answer.text();
        if (place.innerHTML.trim() !== html.trim()) place.innerHTML = html;
      }
    } catch {
      place.replaceChildren();
    }
  }
}
let soon = 0;
const beatSoon = () => {
  clearTimeout(soon);
  soon = setTimeout(beat, 150);
};
const open = () => [...new Set(all("[data-presence]").map((place) => place.dataset.presence))];
// The answer of a page that closes is read by nobody; another tab of the same person beats again when it hears of it.
const gone = (topics) => {
  if (!topics.length || locked() || !setting("presenceUrl")) return;
  const body = new URLSearchParams(topics.map((topic) => ["topic", topic]));
  const kept = { ...headers(), "Liaison-Background": "1", "Content-Type": "application/x-www-form-urlencoded" };
  fetch(`${setting("presenceUrl")}gone/`, { method: "POST", headers: kept, body, keepalive: true }).catch(() => {});
};
let known = [];
const filled = new WeakSet();
const changed = () => {
  const topics = open();
  // Also a place that was fetched anew: it comes empty, and who else is here stood in the one before it.
  const fresh = all("[data-presence]").filter((place) => !filled.has(place));
  fresh.forEach((place) => filled.add(place));
  if (fresh.length) beatSoon();
  gone(known.filter((topic) => !topics.includes(topic)));
  known = topics;
};
document.addEventListener("DOMContentLoaded", () => {
  changed();
  setInterval(beat, EVERY);
});
document.addEventListener("htmx:afterSettle", changed);
document.addEventListener("visibilitychange", beatSoon);
window.addEventListener("pagehide", () => {
  clearTimeout(soon);
  gone(open());
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) beatSoon();
});
document.addEventListener("liaison:presence", beatSoon);
