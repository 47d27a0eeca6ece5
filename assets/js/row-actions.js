// The actions of a row are put into it when it is pointed at or has the focus: fifty rows carry them once.
import htmx from "htmx.org";
import { all, on, one } from "./page.js";

/** Which of the actions fit a row: evidence here or on its own page, closing once nothing is missing, snoozing before it is late (after, why not), taking from others. */
const fits = {
  managed: (row) => Boolean(row.dataset.managed),
  own: (row) => !row.dataset.managed && row.dataset.proven === undefined,
  proven: (row) => !row.dataset.managed && row.dataset.proven !== undefined,
  early: (row) => row.dataset.late === undefined,
  late: (row) => row.dataset.late !== undefined,
  others: (row) => row.dataset.mine === undefined,
};
const fill = (pattern, row) => pattern.replace(/:(loop|patient|managed)/g, (_, name) => row.dataset[name]);

export function dress(row) {
  const template = one("#row-actions");
  if (!template || !row?.dataset.loop || one(".l-row-actions", row)) return;
  const actions = template.content.firstElementChild.cloneNode(true);
  for (const action of all("[data-for]", actions)) {
    if (!fits[action.dataset.for](row)) action.remove();
  }
  for (const link of all("[data-href]", actions)) link.setAttribute("href", fill(link.dataset.href, row));
  for (const button of all("[data-post]", actions)) {
    button.setAttribute("hx-post", fill(button.dataset.post, row));
    button.setAttribute("hx-vals", JSON.stringify({ version: Number(row.dataset.version) }));
    button.setAttribute("hx-swap", "none");
    button.setAttribute("hx-trigger", "click");
  }
  row.append(actions);
  htmx.process(actions);
}
on("pointerover", "[data-loop]", (_, row) => dress(row));
