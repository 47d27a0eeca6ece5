// The calendar: a visit is dragged or pushed by keys to another time or row; what would follow is shown before it is saved.
import htmx from "htmx.org";
import { all, on, one, typing } from "./page.js";

const STEP = 5;
const LONG_STEP = 15;
const STARTS_AFTER = 4;
const EDGE = 8;
const KINDS = { person: "a person", room: "a room", device: "a device" };

let going = null;
let missed = false;
let placed = "";

const grid = () => one("[data-grid]");
const dialog = () => one("#place");

function say(words) {
  const place = one("#grid-said");
  if (place) place.textContent = words;
}

/** "10:35" on the clock of the site; the axis is of elapsed time, so this is right when the clocks change. */
function clock(minutes) {
  const table = grid();
  const at = new Date(Date.parse(table.dataset.starts) + minutes * 60_000);
  return new Intl.DateTimeFormat("en-GB", { timeZone: table.dataset.zone, hour: "2-digit", minute: "2-digit" }).format(at);
}
const nameOf = (row) => {
  let each = row;
  while (each && !one("th", each)) each = each.previousElementSibling;
  return one("th", each)?.textContent.trim() || "";
};
const rowsOf = (kind) => all("tr[data-resource]", grid()).filter((row) => row.dataset.kind === kind && one("th", row));
const firstLane = (row) => all("tr[data-resource]", grid()).find((each) => each.dataset.resource === row.dataset.resource);

function axis() {
  const heads = all("thead th", grid()).slice(1);
  const left = heads[0].getBoundingClientRect().left;
  const right = heads.at(-1).getBoundingClientRect().right;
  const minutes = Number(grid().dataset.columns) * STEP;
  return { left, right, minutes, perPixel: minutes / (right - left) };
}

const where = () => `${clock(going.from)}–${clock(going.from + going.long)}, ${nameOf(going.row)}`;

/** The block where it would go, over the grid. */
function draw() {
  const { left, perPixel } = axis();
  const scroll = grid().closest(".c-grid-scroll");
  const box = scroll.getBoundingClientRect();
  const row = going.row.getBoundingClientRect();
  if (!going.ghost) {
    going.ghost = document.createElement("div");
    going.ghost.className = "c-ghost";
    going.ghost.setAttribute("aria-hidden", "true");
    scroll.append(going.ghost);
  }
  const style = going.ghost.style;
  style.left = `${left - box.left + scroll.scrollLeft + going.from / perPixel}px`;
  style.top = `${row.top - box.top + scroll.scrollTop + 2}px`;
  style.width = `${Math.max(going.long / perPixel, 24)}px`;
  going.ghost.textContent = `${clock(going.from)}–${clock(going.from + going.long)}`;
}

function begin(block, how) {
  const row = firstLane(block.closest("tr"));
  going = { block, how, row, home: row, from: Number(block.dataset.from), long: Number(block.dataset.for), can: true };
  going.was = { from: going.from, long: going.long };
  block.classList.add("is-carried");
  document.body.classList.add("is-carrying");
  draw();
}

function end() {
  going?.ghost?.remove();
  going?.block.classList.remove("is-carried");
  document.body.classList.remove("is-carrying");
  const ended = going;
  going = null;
  catchUp();
  return ended;
}

/** A colleague booked meanwhile: what was held back is fetched now. */
function catchUp() {
  if (!missed || going) return;
  missed = false;
  const piece = one("#day");
  if (piece) htmx.trigger(piece, "live", {});
}

const unchanged = (one) => one.from === one.was.from && one.long === one.was.long && one.row === one.home;

/** Ask the server what this would mean, and show it. */
async function preview(asked) {
  const start = new Date(Date.parse(grid().dataset.starts) + asked.from * 60_000).toISOString();
  const query = new URLSearchParams({ start, minutes: asked.long, from: asked.home.dataset.resource, to: asked.row.dataset.resource });
  await openPlace(`${grid().dataset.place.replace("/0/", `/${asked.block.dataset.visit}/`)}?${query}`, asked.block.dataset.visit);
}

async function openPlace(path, visit) {
  placed = "";
  dialog().dataset.visit = visit;
  dialog().dataset.row = document.activeElement?.closest("tr")?.dataset.resource || "";
  await htmx.ajax("GET", path, { target: "#place-content", swap: "innerHTML" });
  if (one("#place-piece") && !dialog().open) {
    dialog().showModal();
    one("[data-autofocus]", dialog())?.focus();
  }
}

function focusVisit(visit) {
  const row = dialog()?.dataset.row;
  const same = all(`.c-block[data-visit="${visit}"]`);
  const block = same.find((each) => each.closest("tr").dataset.resource === row) || same[0] || one(`#row-visit-${visit} a`);
  block?.focus({ preventScroll: false });
}

// --- by mouse, pen or finger ----------------------------------------------------------------------------------

let pressed = null;
const swallow = (click) => {
  click.preventDefault();
  click.stopImmediatePropagation();
};

document.addEventListener("pointerdown", (event) => {
  const block = event.target.closest?.("[data-movable]");
  if (!block || event.button || event.pointerType === "touch" || !grid() || going) return;
  const box = block.getBoundingClientRect();
  pressed = { block, x: event.clientX, y: event.clientY, how: box.right - event.clientX <= EDGE ? "stretch" : "move" };
});
document.addEventListener("dragstart", (event) => event.target.closest?.("[data-movable]") && event.preventDefault());

function carry(event) {
  const { perPixel, minutes } = axis();
  const by = Math.round(((event.clientX - pressed.x) * perPixel) / STEP) * STEP;
  if (going.how === "stretch") going.long = Math.max(STEP, going.was.long + by);
  else going.from = going.was.from + by;
  const under = document.elementFromPoint(event.clientX, event.clientY);
  const row = under?.closest("tr[data-resource]");
  const inside = Boolean(row && grid().contains(row)) && going.from >= 0 && going.from + going.long <= minutes;
  going.can = inside;
  going.why = inside ? "" : "Nothing was moved: that is no time of anybody on this day.";
  if (inside && going.how === "move") {
    if (row.dataset.kind === going.home.dataset.kind) going.row = firstLane(row);
    else {
      going.can = false;
      going.why = `Nothing was moved: this row holds the visit of ${KINDS[going.home.dataset.kind]}, not of ${KINDS[row.dataset.kind]}.`;
    }
  }
  draw();
  going.ghost.classList.toggle("is-refused", !going.can);
}

document.addEventListener("pointermove", (event) => {
  if (!pressed) return;
  if (!going) {
    if (Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < STARTS_AFTER) return;
    if (!pressed.block.isConnected) return (pressed = null);
    begin(pressed.block, pressed.how);
  }
  event.preventDefault();
  carry(event);
});
document.addEventListener("pointerup", () => {
  const was = pressed;
  pressed = null;
  if (!going || going.how === "keys" || !was) return catchUp();
  // The press that ends a drag is no click on the link.
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, true), 0);
  const asked = end();
  if (!asked.can) return say(asked.why);
  if (unchanged(asked)) return say("Nothing was moved: it is where it was.");
  say("");
  preview(asked);
});
document.addEventListener("pointercancel", () => {
  pressed = null;
  if (going && going.how !== "keys") end();
  else catchUp();
});

// --- by keys --------------------------------------------------------------------------------------------------

function push(minutes) {
  const most = Number(grid().dataset.columns) * STEP - going.long;
  const to = Math.min(most, Math.max(0, going.from + minutes));
  if (to === going.from) return say("That is the edge of the day.");
  going.from = to;
  return undefined;
}

function stretch(minutes) {
  const most = Number(grid().dataset.columns) * STEP - going.from;
  going.long = Math.min(most, Math.max(STEP, going.long + minutes));
}

function otherRow(step) {
  const rows = rowsOf(going.home.dataset.kind);
  const row = rows[rows.indexOf(going.row) + step];
  if (!row) return say(`There is no ${step > 0 ? "further" : "earlier"} row of this kind.`);
  going.row = row;
  row.scrollIntoView({ block: "nearest" });
  return undefined;
}

const KEYS = {
  ArrowLeft: (long) => push(long ? -LONG_STEP : -STEP),
  ArrowRight: (long) => push(long ? LONG_STEP : STEP),
  ArrowUp: () => otherRow(-1),
  ArrowDown: () => otherRow(1),
  "+": () => stretch(STEP),
  "=": () => stretch(STEP),
  "-": () => stretch(-STEP),
};

function whileMoving(event) {
  if (event.key === "Escape") {
    const given = end();
    say("Given up: the visit stays where it was.");
    given.block.focus();
    return true;
  }
  if (event.key === "Enter") {
    const asked = end();
    if (unchanged(asked)) say("Nothing was moved: it is where it was.");
    else {
      say("");
      preview(asked);
    }
    return true;
  }
  const press = KEYS[event.key];
  if (!press) return event.key !== "Tab" && event.key.length === 1;
  const before = where();
  press(event.shiftKey);
  draw();
  if (where() !== before) say(where());
  going.ghost.scrollIntoView({ block: "nearest", inline: "nearest" });
  return true;
}

document.addEventListener(
  "keydown",
  (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || one("dialog[open]")) return;
    let handled = false;
    if (going?.how === "keys") handled = whileMoving(event);
    else if (going && event.key === "Escape") {
      pressed = null;
      end();
      say("Given up: the visit stays where it was.");
      handled = true;
    } else if (event.key === "m" && event.target.matches?.("[data-movable]") && grid()) {
      begin(event.target, "keys");
      say(`Moving: ${where()}. Arrows change time and row, plus and minus the length, Enter shows what follows, Escape gives up.`);
      handled = true;
    } else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && one("[data-calendar-bar]") && free(event.target)) {
      one(`[data-calendar-step="${event.key}"]`).click();
      handled = true;
    }
    if (!handled) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);
// Where arrows scroll or walk through words they keep doing so.
const free = (target) => !typing(target) && !target.closest?.(".c-grid-scroll, .l-panel, [role=menu], [role=listbox]");
document.addEventListener("focusout", (event) => {
  if (going?.how === "keys" && event.target === going.block && event.relatedTarget) {
    end();
    say("Given up: the visit stays where it was.");
  }
});

// --- the dialog, live changes, paper --------------------------------------------------------------------------

on("click", "a[data-place-open]", (event, link) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button || !dialog()) return;
  event.preventDefault();
  openPlace(link.getAttribute("href"), link.closest("tr").id.replace("row-visit-", ""));
});
on("click", "[data-place-close]", (event) => {
  if (!dialog()?.open) return;
  event.preventDefault();
  dialog().close();
});
document.addEventListener("close", (event) => {
  if (event.target !== dialog()) return;
  one("#place-content").replaceChildren();
  if (!placed) {
    say("Nothing was moved.");
    focusVisit(dialog().dataset.visit);
  }
}, true);
document.addEventListener("htmx:afterRequest", (event) => {
  const moved = event.detail.xhr?.getResponseHeader("Liaison-Placed");
  if (!moved || !dialog()?.open) return;
  placed = moved;
  dialog().close();
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (placed && event.detail.elt?.matches?.("#day")) {
    focusVisit(placed);
    placed = "";
  }
});
// A day that is fetched again stands where it stood, with the focus where it was. The old table goes at once: htmx
// would say good-bye to each of its thousands of elements.
let kept = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "day" || !event.detail.shouldSwap || !grid()) return;
  const scroll = grid().closest(".c-grid-scroll");
  const block = document.activeElement?.closest?.(".c-block[data-visit]");
  kept = { left: scroll.scrollLeft, top: scroll.scrollTop, visit: block?.dataset.visit, row: block?.closest("tr").dataset.resource };
  grid().remove();
});
document.addEventListener("htmx:afterSwap", () => {
  const scroll = kept && one("#day .c-grid-scroll");
  if (!scroll) return;
  if (kept.left) scroll.scrollLeft = kept.left;
  if (kept.top) scroll.scrollTop = kept.top;
  if (kept.visit) one(`tr[data-resource="${kept.row}"] [data-visit="${kept.visit}"]`)?.focus({ preventScroll: true });
  kept = null;
});
// While somebody carries a visit the day stays as it is, also when a new one was asked for before.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!going || event.detail.elt?.id !== "day") return;
  event.preventDefault();
  missed = true;
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if ((!going && !pressed) || event.detail.target?.id !== "day") return;
  event.detail.shouldSwap = false;
  missed = true;
}, true);
on("click", "[data-print]", () => print());
