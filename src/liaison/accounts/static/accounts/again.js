// After someone confirmed who they are: send again what they had typed before.
addEventListener("load", () => document.querySelector("form[data-again]")?.requestSubmit());
