// Who else has this open. Says "here" every 20 seconds while the page is in sight.
import { all, headers, setting } from "./page.js";

const EVERY = 20_000;

async function beat() {
  if (document.hidden || !setting("presenceUrl")) return;
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
let known = "";
const changed = () => {
  const topics = all("[data-presence]").map((place) => place.dataset.presence).join(" ");
  if (topics && topics !== known) beatSoon();
  known = topics;
};
document.addEventListener("DOMContentLoaded", () => {
  changed();
  setInterval(beat, EVERY);
});
document.addEventListener("htmx:afterSettle", changed);
document.addEventListener("visibilitychange", beatSoon);
document.addEventListener("liaison:presence", beatSoon);
