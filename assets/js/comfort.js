// Theme, shoulder privacy, menus, small filters.
import { all, on, one, visible } from "./page.js";
import { openSheet } from "./keys.js";

const WISHES = ["auto", "light", "dark"];
const NAMES = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };

function nameTheme() {
  const wish = document.documentElement.dataset.wish || "auto";
  for (const button of all("[data-theme-switch]")) {
    button.setAttribute("aria-label", NAMES[wish]);
    button.title = NAMES[wish];
    all("[data-theme-icon]", button).forEach((icon) => (icon.hidden = icon.dataset.themeIcon !== wish));
  }
}
on("click", "[data-theme-switch]", () => {
  const wish = document.documentElement.dataset.wish || "auto";
  try {
    localStorage.setItem("liaison.theme", WISHES[(WISHES.indexOf(wish) + 1) % WISHES.length]);
  } catch {
    return;
  }
  document.dispatchEvent(new Event("liaison:theme"));
  nameTheme();
});
document.addEventListener("DOMContentLoaded", nameTheme);

// Shoulder privacy: while the full stop is held, or until the eye is pressed again.
let held = false;
const blur = (wanted) => {
  document.body.classList.toggle("is-private", wanted);
  all("[data-privacy-switch]").forEach((button) => button.setAttribute("aria-pressed", String(wanted)));
};
on("click", "[data-privacy-switch]", () => blur(!document.body.classList.contains("is-private")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "." || event.ctrlKey || event.metaKey || event.target.closest?.("input, textarea, select")) return;
  if (!event.repeat && !document.body.classList.contains("is-private")) {
    held = true;
    blur(true);
  }
});
const release = () => {
  if (held) blur(false);
  held = false;
};
document.addEventListener("keyup", (event) => event.key === "." && release());
addEventListener("blur", release);

// Menus close by themselves.
document.addEventListener("click", (event) => {
  for (const menu of all("details.l-menu[open]")) {
    if (!menu.contains(event.target) || event.target.closest(".l-menu-list:not(.l-menu-form) :is(a, button)")) menu.open = false;
  }
  if (event.target.closest("[data-menu-open]")) document.body.classList.toggle("is-menu-open");
  else if (!event.target.closest(".l-rail")) document.body.classList.remove("is-menu-open");
});
on("click", "[data-sheet-open]", () => openSheet());

// A select or a check box that applies at once.
on("change", "[data-submits]", (_, control) => visible(control) && control.form.requestSubmit());

// What sticks below the patient's band must know how high the band is.
document.addEventListener("DOMContentLoaded", () => {
  const band = one("#band");
  if (!band) return;
  const measure = () => {
    const stuck = getComputedStyle(band).display === "contents" ? one(".l-band-top", band) : band;
    document.documentElement.style.setProperty("--stuck", `${stuck.offsetHeight}px`);
  };
  new ResizeObserver(measure).observe(document.body);
  measure();
});
