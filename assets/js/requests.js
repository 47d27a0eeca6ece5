// How requests behave: refusals stand where they happened, a form is sent once, waiting shows after 100 ms.
import htmx from "htmx.org";
import { all, locked, one, on } from "./page.js";

const WAIT_BEFORE_SHOWING = 100;
const SENTENCES = {
  0: "The server can't be reached. Nothing was lost here: try again in a moment.",
  403: "You may not do this.",
  404: "This is no longer here.",
  429: "Too many tries. Wait a moment.",
  500: "Something went wrong on the server. It was written down; nothing was changed.",
};

function refusalSlot(source) {
  const form = source.closest("form");
  const home = form || source.closest("[data-row], .l-panel-body, section") || one("#work") || one("#content");
  let slot = one("[data-refusals]", home);
  if (!slot) {
    slot = document.createElement("div");
    slot.dataset.refusals = "";
    const actions = form && one(".l-form-actions, [type=submit]", form);
    if (actions) actions.before(slot);
    else home.prepend(slot);
  }
  slot.setAttribute("role", "alert");
  return slot;
}

function plainNote(sentence) {
  const note = document.createElement("div");
  note.className = "l-note l-note--danger";
  note.textContent = sentence;
  return note;
}

/** After "someone was first": a button that shows how it stands now. */
function lookAgain() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm ms-auto";
  button.dataset.showChange = "";
  button.textContent = one("#undo")?.dataset.look || "Show";
  return button;
}

function refuse(source, html, sentence, status = 0) {
  const slot = refusalSlot(source);
  slot.replaceChildren();
  if (html) {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    slot.append(...all("[data-refusal]", parsed.body).map((node) => document.adoptNode(node)));
    if (status === 409 && source.closest("[data-live]")) slot.firstElementChild?.append(lookAgain());
    htmx.process(slot);
  } else slot.append(plainNote(sentence));
  slot.tabIndex = -1;
  slot.focus({ preventScroll: true });
  slot.scrollIntoView({ block: "nearest" });
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = event.detail;
  const answered = new URL(xhr.responseURL || location.href);
  if (answered.pathname.startsWith("/account/") && !location.pathname.startsWith("/account/")) {
    event.detail.shouldSwap = false;
    location.assign(`${answered.pathname}?next=${encodeURIComponent(location.pathname + location.search)}`);
    return;
  }
  if (xhr.status < 400) return;
  const refusal = xhr.responseText.includes("data-refusal");
  if (xhr.status === 422 && !refusal && requestConfig?.elt?.getAttribute("hx-swap") === "none") {
    // A form that stands in a row has no place for itself again: what is wrong with it is said where it stands.
    const wrong = new DOMParser().parseFromString(xhr.responseText, "text/html");
    event.detail.shouldSwap = false;
    requestConfig.elt.reset?.();
    return refuse(requestConfig.elt, "", one(".l-field-error", wrong)?.textContent.trim() || SENTENCES[403], 422);
  }
  if (xhr.status === 422 && !refusal) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
    return;
  }
  event.detail.shouldSwap = false;
  const source = requestConfig?.elt || event.detail.elt;
  if (requestConfig?.headers?.["Liaison-Background"]) return;
  refuse(source, refusal ? xhr.responseText : "", SENTENCES[xhr.status] || SENTENCES[500], xhr.status);
});
document.addEventListener("htmx:sendError", (event) => {
  if (!event.detail.requestConfig?.headers?.["Liaison-Background"]) refuse(event.detail.elt, "", SENTENCES[0]);
});

// Pieces that fetch themselves don't count as somebody being there.
document.addEventListener("htmx:configRequest", (event) => {
  const cause = event.detail.triggeringEvent?.type || "";
  if (cause === "live" || cause.startsWith("live:")) event.detail.headers["Liaison-Background"] = "1";
});

// Waiting.
const waits = new WeakMap();
const SKELETON = '<div class="l-skeleton" role="status"><span class="l-sr">Loading</span><i></i><i></i><i></i><i></i><i></i></div>';

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, target, requestConfig } = event.detail;
  if (requestConfig.headers["Liaison-Background"] && locked()) return event.preventDefault(); // nobody sees it
  const form = elt.closest("form");
  if (form && requestConfig.verb !== "get") {
    if (form.dataset.busy) return event.preventDefault();
    form.dataset.busy = "1";
    all("[data-refusals]", form).forEach((slot) => slot.replaceChildren());
  }
  if (requestConfig.headers["Liaison-Background"] || !target) return;
  const pressed = form && requestConfig.verb !== "get" ? one("[type=submit], button:not([type])", form) : null;
  const timer = setTimeout(() => {
    if (pressed) {
      pressed.classList.add("is-busy");
      pressed.setAttribute("aria-busy", "true");
    } else if (target.id === "panel-content") target.innerHTML = SKELETON;
    else target.classList.add("l-waiting");
  }, WAIT_BEFORE_SHOWING);
  waits.set(event.detail.xhr, { timer, target, pressed });
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt?.closest?.("form");
  if (form) delete form.dataset.busy;
  const wait = waits.get(event.detail.xhr);
  if (!wait) return;
  clearTimeout(wait.timer);
  wait.target.classList.remove("l-waiting");
  wait.pressed?.classList.remove("is-busy");
  wait.pressed?.removeAttribute("aria-busy");
});

// A form without htmx is sent once, too.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.matches("[hx-post], [hx-get], [data-hx-post]")) return;
  if (form.method === "get") return;
  if (form.dataset.busy) return event.preventDefault();
  form.dataset.busy = "1";
  const pressed = event.submitter;
  setTimeout(() => pressed?.classList.add("is-busy"), WAIT_BEFORE_SHOWING);
});
addEventListener("pageshow", () => all("form[data-busy]").forEach((form) => delete form.dataset.busy));

// Focus: the first wrong field, else whatever asks for it.
function focusIn(root) {
  if (!root.querySelector) return;
  const wrong = one("[aria-invalid=true]", root);
  const form = root.closest?.(".l-loop-do") || (root.matches?.(".l-loop-do > *") ? root : null);
  const wants =
    wrong || one("[data-autofocus], [autofocus]", root) || (form && one("input:not([type=hidden]), select:has(option + option), textarea", form));
  wants?.focus({ preventScroll: !wrong });
  wants?.scrollIntoView({ block: "nearest" });
}
// What was said to be wrong is said until it changes. Its place stays: a field changes when the mouse goes down on
// the button below, which must not move away under it.
on("change", "[aria-invalid=true]", (_event, wrong) => {
  wrong.removeAttribute("aria-invalid");
  wrong.classList.remove("is-invalid");
  all(".l-field-error", wrong.closest(".l-field") || wrong).forEach((error) => error.classList.add("is-over"));
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.detail.requestConfig?.headers?.["Liaison-Background"]) focusIn(event.detail.elt);
});
document.addEventListener("DOMContentLoaded", () => focusIn(document));

// Who goes on typing while the answer to what they had typed comes keeps every letter, and is answered once more.
let ahead = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const { requestConfig, shouldSwap, target } = event.detail;
  const field = document.activeElement;
  ahead = null;
  if (!shouldSwap || requestConfig?.verb !== "get" || !field?.matches("input[type=search]") || !target?.contains(field)) return;
  if (!field.id || field.value === requestConfig.parameters[field.name]) return;
  ahead = { id: field.id, value: field.value };
});
document.addEventListener("htmx:afterSettle", () => {
  const field = ahead && document.getElementById(ahead.id);
  if (!field) return;
  const { value } = ahead;
  ahead = null;
  if (field.value === value) return;
  field.value = value;
  field.setSelectionRange(value.length, value.length);
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

// Asking once, in place, for what leaves the house.
on("click", "[data-confirm]", (event, button) => {
  if (button.dataset.asked) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const words = button.innerHTML;
  button.dataset.asked = "1";
  button.textContent = button.dataset.confirm;
  button.classList.add("btn-danger");
  const back = () => {
    delete button.dataset.asked;
    button.innerHTML = words;
    button.classList.remove("btn-danger");
  };
  setTimeout(back, 4000);
}, true);

// From a refusal back to the form: the browser still has what was typed.
on("click", "[data-back]", (event) => {
  if (history.length < 2) return;
  event.preventDefault();
  history.back();
});

// Cancel in a small form beside a list closes the form and stays.
on("click", ".l-loop-do a.btn-ghost, [data-cancel]", (event, link) => {
  const place = link.closest(".l-loop-do");
  if (!place) return;
  event.preventDefault();
  place.replaceChildren();
});
