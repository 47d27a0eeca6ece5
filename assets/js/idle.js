// Nobody there: a warning one minute before, then the screen locks and signing in returns to the same place.
import { headers, on, one, setting } from "./page.js";
import { say } from "./undo.js";

const WARN_BEFORE = 60;
const DAY_ENDS_WITHIN = 600;
const channel = "BroadcastChannel" in window ? new BroadcastChannel("liaison.here") : null;
let last = Date.now();
let told = Date.now();

const idleAfter = () => Number(setting("idle") || 0);

function here({ shared = true } = {}) {
  last = Date.now();
  one("#idle")?.open && one("#idle").close();
  if (shared) channel?.postMessage("here");
}

/** The server's clock runs on requests; tell it that somebody is working without making any. */
async function tell() {
  told = Date.now();
  if (!setting("keepAlive")) return;
  const answer = await fetch(setting("keepAlive"), { method: "POST", headers: { ...headers(), Accept: "application/json" } }).catch(() => null);
  if (!answer) return;
  if (answer.status === 401 || answer.status === 403 || answer.redirected) return lock();
  const left = answer.ok ? await answer.json().catch(() => null) : null;
  if (left && left.absolute_seconds < DAY_ENDS_WITHIN) {
    say(one("#idle").dataset.dayEnds.replace("%s", String(Math.max(1, Math.round(left.absolute_seconds / 60)))));
  }
}

function lock() {
  const cover = one("#lock");
  if (!cover || !cover.hidden) return;
  cover.hidden = false;
  one(".l-shell")?.setAttribute("inert", "");
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  document.title = "Liaison is locked";
  const link = one("a", cover);
  link.href = `${link.dataset.signIn}?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.focus();
  document.dispatchEvent(new Event("liaison:locked"));
}

function tick() {
  const limit = idleAfter();
  if (!limit) return;
  const quiet = (Date.now() - last) / 1000;
  const warning = one("#idle");
  if (quiet >= limit) return lock();
  if (quiet >= limit - Math.min(WARN_BEFORE, limit / 3)) {
    one("[data-idle-left]", warning).textContent = String(Math.ceil(limit - quiet));
    if (!warning.open) warning.showModal();
  } else if (last > told && Date.now() - told > (limit * 1000) / 3) tell();
}

let noted = 0;
for (const event of ["pointerdown", "keydown", "wheel", "touchstart"]) {
  addEventListener(event, () => {
    if (one("#lock") && !one("#lock").hidden) return;
    const warned = one("#idle")?.open;
    if (Date.now() - noted < 1000 && !warned) return;
    noted = Date.now();
    here();
    if (warned) tell();
  }, { passive: true, capture: true });
}
channel?.addEventListener("message", () => here({ shared: false }));
on("click", "[data-idle-stay]", () => tell());
document.addEventListener("DOMContentLoaded", () => setInterval(tick, 1000));
document.addEventListener("visibilitychange", tick);
