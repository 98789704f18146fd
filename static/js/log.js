// The log's search box narrows the lines shown while one types; Enter asks the server (?q=), which
// searches all of them. Choosing a step asks the server too.
function search(form, log) {
  const words = form.querySelector("input[type=search]").value.trim().toLowerCase();
  if (!log) return;
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
  form.querySelector("[data-submit]").addEventListener("change", () => form.submit());
  form.querySelector("input[type=search]").addEventListener("input", () => search(form, log));
});
