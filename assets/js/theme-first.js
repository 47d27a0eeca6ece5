// Runs before the first paint, so that a dark page never flashes white.
(() => {
  const wish = () => {
    try {
      return localStorage.getItem("liaison.theme") || "auto";
    } catch {
      return "auto";
    }
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = wish();
    document.documentElement.dataset.bsTheme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
    document.documentElement.dataset.wish = chosen;
  };
  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", apply);
  document.addEventListener("liaison:theme", apply);
})();
