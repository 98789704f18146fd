// Times in the reader's own time zone: every <time datetime>, where the server wrote UTC, which stays as
// title, and the fields that say of which zone the times are that are entered.
const FORMAT = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium",
  timeStyle: "short",
});
const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];

/** As the filter `ago` writes it. */
function relative(date) {
  const seconds = (Date.now() - date) / 1000;
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  if (!unit) return "just now";
  const amount = `${Math.floor(Math.abs(seconds) / unit[1])} ${unit[0]}`;
  return seconds > 0 ? `${amount} ago` : `in ${amount}`;
}

function render(element) {
  const date = new Date(element.dateTime);
  if (Number.isNaN(date.valueOf())) return;
  if (!element.dataset.utc) element.dataset.utc = element.title || element.textContent;
  const local = FORMAT.format(date);
  element.title = `${local} (${element.dataset.utc})`;
  element.textContent = "relative" in element.dataset ? relative(date) : local;
}

/** Where people enter times: the name of their own zone, beside the field and with what is sent. */
function nameZone(element) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (element instanceof HTMLInputElement) element.value = zone;
  else element.textContent = zone;
}

function renderAll(root) {
  root.querySelectorAll("time[datetime]").forEach(render);
  root.querySelectorAll("[data-zone]").forEach(nameZone);
}

renderAll(document);
document.addEventListener("htmx:load", (event) => renderAll(event.target));
setInterval(() => document.querySelectorAll("time[data-relative]").forEach(render), 60_000);
