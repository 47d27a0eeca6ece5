// The board: a card is carried to another column; the form in the card does the moving.
import { all, on, one } from "./page.js";

let carried = null;

on("dragstart", "[data-card]", (event, card) => {
  carried = card;
  card.classList.add("is-dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", card.id);
});
on("dragend", "[data-card]", (_, card) => {
  card.classList.remove("is-dragged");
  all(".is-target").forEach((column) => column.classList.remove("is-target"));
  carried = null;
});
on("dragover", "[data-column]", (event, column) => {
  if (!carried || column.contains(carried)) return;
  event.preventDefault();
  all(".is-target").forEach((other) => other !== column && other.classList.remove("is-target"));
  column.classList.add("is-target");
});
on("drop", "[data-column]", (event, column) => {
  if (!carried) return;
  event.preventDefault();
  const form = one("form[data-move]", carried);
  const control = one("select", form);
  control.value = column.dataset.column;
  if (control.value === column.dataset.column) form.requestSubmit();
});
