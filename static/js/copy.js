// <button data-copy="text">: puts the text on the clipboard and says so.
async function copy(button) {
  const status = button.querySelector("[role=status]");
  const icon = button.querySelector("use");
  const href = icon.getAttribute("href");
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    status.textContent = "The browser refused: select and copy by hand";
    return;
  }
  status.textContent = "Copied";
  icon.setAttribute("href", href.replace("#copy", "#check"));
  setTimeout(() => {
    status.textContent = "";
    icon.setAttribute("href", href);
  }, 1500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
