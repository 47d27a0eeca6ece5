// A passkey that was cancelled or is not here: say so on the page, and give the button back.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const note = document.getElementById("passkey-trouble");
  if (!note) return;
  note.hidden = false;
  note.scrollIntoView({ block: "nearest" });
  document.querySelectorAll("form[data-busy]").forEach((form) => delete form.dataset.busy);
  document.querySelectorAll(".is-busy").forEach((button) => button.classList.remove("is-busy"));
});
