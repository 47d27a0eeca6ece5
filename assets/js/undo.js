// What was done is said for ten seconds, with the way back.
import htmx from "htmx.org";
import { all, on, one } from "./page.js";
import { announce } from "./live.js";

const STAYS = 10_000;
const HEARD = 20_000; // however long it is pointed at: the server hears an undo for thirty seconds, the way included
let timer = 0;
let deaf = 0;
let left = STAYS;
let began = 0;

const bar = () => one("#undo");

function hide() {
  clearTimeout(timer);
  bar()?.classList.remove("is-shown");
}
function run() {
  began = Date.now();
  clearTimeout(timer);
  timer = setTimeout(hide, left);
  bar().style.setProperty("--undo-time", `${left}ms`);
}

export function say(said, undo = "") {
  const place = bar();
  if (!place || !said) return;
  one("[data-undo-said]", place).textContent = said;
  const button = one("[data-undo]", place);
  button.hidden = !undo;
  clearTimeout(deaf);
  deaf = setTimeout(() => (button.hidden = true), HEARD);
  button.dataset.undo = undo;
  const time = one(".l-undo-time", place);
  time.replaceWith(time.cloneNode());
  place.classList.add("is-shown");
  left = STAYS;
  run();
}

function undo() {
  const url = one("[data-undo]", bar()).dataset.undo;
  hide();
  if (url) htmx.ajax("POST", url, { target: "body", swap: "none" });
}

// What can't be done now says so, and what to do instead.
on("click", "[data-say]", (event, button) => {
  event.preventDefault();
  say(button.dataset.say);
});
document.addEventListener("liaison:done", (event) => {
  const { said, undo: url, topics = [] } = event.detail;
  say(said, url);
  topics.forEach((topic) => announce(topic, { own: true }));
});
on("click", "[data-undo]", undo);
on("click", "[data-undo-close]", hide);
document.addEventListener("keydown", (event) => {
  const free = !event.target.closest?.("input, textarea, select");
  if (free && (event.ctrlKey || event.metaKey) && event.key === "z" && bar()?.classList.contains("is-shown")) {
    event.preventDefault();
    undo();
  }
});
for (const [event, f] of [["pointerover", () => { clearTimeout(timer); left = Math.max(2000, left - (Date.now() - began)); }], ["pointerout", run]]) {
  on(event, "#undo", f);
}
document.addEventListener("DOMContentLoaded", () => {
  const told = all("[data-said]");
  const last = told.at(-1);
  if (last) say(last.textContent.trim(), last.dataset.undoUrl || "");
  told.forEach((each) => each.remove());
});
