// The board: a card is carried to another column; the form in the card does the moving.
import { all, on, one } from "./page.js";

// By its id: while it is carried its column may be fetched anew, and the card with it.
let carried = "";
const card = () => document.getElementById(carried);

function letGo() {
  card()?.classList.remove("is-dragged");
  all(".is-target").forEach((column) => column.classList.remove("is-target"));
  carried = "";
}

on("dragstart", "[data-card]", (event, taken) => {
  carried = taken.id;
  taken.classList.add("is-dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", taken.id);
});
on("dragend", "[data-card]", letGo);
on("dragover", "[data-column]", (event, column) => {
  if (!card() || column.contains(card())) return;
  event.preventDefault();
  all(".is-target").forEach((other) => other !== column && other.classList.remove("is-target"));
  column.classList.add("is-target");
});
on("drop", "[data-column]", (event, column) => {
  const form = card() && one("form[data-move]", card());
  letGo();
  if (!form) return;
  event.preventDefault();
  const control = one("select", form);
  control.value = column.dataset.column;
  if (control.value === column.dataset.column) form.requestSubmit();
});
