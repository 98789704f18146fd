// The waterfall's keys and zoom. Rows are links and work without this file.
// j/k or arrows walk the rows, c jumps along the critical path, + − 0 and ← → zoom and pan,
// and a drag on the axis zooms into what it spans.
const MAX_ZOOM = 400;
const HELD_BACK = "input, select, textarea, [contenteditable]";

class Waterfall {
  constructor(element) {
    this.element = element;
    this.rows = [...element.querySelectorAll(".step > a")];
    this.axis = element.querySelector(".axis .plot");
    this.set(1, 0);
    element.addEventListener("keydown", (event) => this.key(event));
    element.querySelectorAll("[data-zoom]").forEach((button) => {
      button.addEventListener("click", () => this.zoomBy(Number(button.dataset.zoom)));
    });
    this.axis.addEventListener("pointerdown", (event) => this.drag(event));
  }

  /** Show 1/zoom of the time, from `shift` percent of it. */
  set(zoom, shift) {
    this.zoom = Math.min(Math.max(zoom, 1), MAX_ZOOM);
    this.shift = Math.min(Math.max(shift, 0), 100 - 100 / this.zoom);
    this.element.style.setProperty("--zoom", this.zoom);
    this.element.style.setProperty("--shift", this.shift);
    const status = this.element.querySelector("[data-zoom-status]");
    status.textContent = this.zoom > 1 ? `${this.zoom.toFixed(1)} ×` : "";
  }

  zoomBy(factor) {
    if (factor === 0) return this.set(1, 0);
    const middle = this.shift + 50 / this.zoom;
    const zoom = Math.max(this.zoom * factor, 1);
    return this.set(zoom, middle - 50 / zoom);
  }

  walk(distance, rows = this.rows) {
    const at = this.rows.indexOf(document.activeElement);
    const next = distance > 0
      ? rows.find((row) => this.rows.indexOf(row) > at)
      : rows.findLast((row) => this.rows.indexOf(row) < at);
    next?.focus();
  }

  key(event) {
    if (event.target.matches(HELD_BACK) || event.ctrlKey || event.metaKey || event.altKey) return;
    const critical = () => this.rows.filter((row) => row.parentElement.matches(".on-path"));
    const actions = {
      j: () => this.walk(1), ArrowDown: () => this.walk(1),
      k: () => this.walk(-1), ArrowUp: () => this.walk(-1),
      c: () => this.walk(1, critical()), C: () => this.walk(-1, critical()),
      Home: () => this.rows[0]?.focus(), End: () => this.rows.at(-1)?.focus(),
      "+": () => this.zoomBy(1.5), "=": () => this.zoomBy(1.5), "-": () => this.zoomBy(1 / 1.5),
      0: () => this.zoomBy(0),
      ArrowLeft: () => this.set(this.zoom, this.shift - 20 / this.zoom),
      ArrowRight: () => this.set(this.zoom, this.shift + 20 / this.zoom),
    };
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  }

  percentAt(clientX) {
    const box = this.axis.getBoundingClientRect();
    const inside = Math.min(Math.max((clientX - box.left) / box.width, 0), 1);
    return this.shift + (inside * 100) / this.zoom;
  }

  drag(start) {
    const from = this.percentAt(start.clientX);
    const end = (event) => {
      const span = [from, this.percentAt(event.clientX)].sort((a, b) => a - b);
      if (span[1] - span[0] > 0.5 / this.zoom) this.set(100 / (span[1] - span[0]), span[0]);
    };
    this.axis.setPointerCapture(start.pointerId);
    this.axis.addEventListener("pointerup", end, { once: true });
  }
}

document.querySelectorAll(".waterfall").forEach((element) => new Waterfall(element));
