// What was said must be written down after a talk, and after a message that was left where none may be.
import { on, one } from "./page.js";

function mark() {
  const said = one("[data-call-words]");
  if (!said) return;
  const form = new FormData(said.form);
  const [talked, left] = said.dataset.neededFor.split(" ");
  const quiet = said.dataset.quiet.split(" ");
  const needed = form.get("outcome") === talked || (form.get("outcome") === left && quiet.includes(form.get("number")));
  said.required = needed;
  if (needed) said.setAttribute("aria-required", "true");
  else said.removeAttribute("aria-required");
  one("[data-words-optional]").hidden = needed;
}

on("change", "#call-form [name=outcome], #call-form [name=number]", mark);
// A browser may have put back what was chosen before.
window.addEventListener("pageshow", mark);
