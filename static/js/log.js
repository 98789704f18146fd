// The log's search box, without a request: hides the lines that do not match and counts those that do.
// Without JavaScript the same form asks the server (?q=).
function search(form, log) {
  const words = form.querySelector("input[type=search]").value.trim().toLowerCase();
  const lines = log.querySelectorAll("li");
  let found = 0;
  lines.forEach((line) => {
    const text = line.querySelector(".text").textContent.toLowerCase();
    line.hidden = words !== "" && !text.includes(words);
    if (!line.hidden) found += 1;
  });
  const status = form.querySelector("[role=status]");
  status.textContent = words ? `${found} of ${lines.length} lines` : `${lines.length} lines`;
}

document.querySelectorAll("form[data-log-search]").forEach((form) => {
  const log = document.getElementById(form.dataset.logSearch);
  form.addEventListener("input", () => search(form, log));
  form.addEventListener("submit", (event) => event.preventDefault());
});
