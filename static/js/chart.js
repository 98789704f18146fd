// [data-plot]: Plotly takes the place of the server's SVG, once that is painted and near the view.
// A click leads to what a point is of, a drag to the same page for the days that it spans.
// Colours of a figure are names of custom properties: for another theme it is drawn anew.
const COLOR = /^--([\w-]+?)(?:@([\d.]+))?$/;
const CONFIG = { displayModeBar: false, doubleClick: false, responsive: true, showTips: false };
const TOUCH = matchMedia("(pointer: coarse)").matches;
const ONE_TOUCH = 400;
const DAY = 86_400_000;

// Plotly adds style elements, which the content security policy refuses, unless elements with these
// ids are there: the first by its own convention, the second is of maps, which are not drawn here.
// What it needs of them is in pages.css.
const STYLES = [
  "plotly.js-style-global",
  "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53",
];

let loading;

function load(src) {
  loading ??= new Promise((resolve, reject) => {
    for (const id of STYLES) {
      const mark = document.createElement("meta");
      mark.id = id;
      mark.className = "no-inline-styles";
      document.head.append(mark);
    }
    const script = document.createElement("script");
    script.src = src;
    script.onload = () => resolve(window.Plotly);
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

/** The figure with what the style sheet says its colours are. */
function coloured(value, probe) {
  if (Array.isArray(value)) return value.map((item) => coloured(item, probe));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => {
    if (!name.endsWith("color")) return [name, coloured(item, probe)];
    return [name, Array.isArray(item) ? item.map((one) => color(one, probe)) : color(item, probe)];
  }));
}

function color(name, probe) {
  const [, property, opacity] = COLOR.exec(name);
  if (property === "clear") return "transparent";
  probe.style.color = `var(--${property})`;
  const found = getComputedStyle(probe).color;
  return opacity ? found.replace("rgb(", "rgba(").replace(")", `, ${opacity})`) : found;
}

class Plot {
  constructor(element) {
    this.element = element;
    const data = element.querySelector("script[type='application/json']");
    this.figure = JSON.parse(data.textContent);
    this.switches = [...element.parentElement.querySelectorAll("[data-trace]")];
    this.box = document.createElement("div");
    this.box.className = "live";
  }

  async start() {
    this.plotly = await load(this.element.dataset.plotly);
    const { table } = this.element.dataset;
    this.box.setAttribute("role", "img");
    this.box.ariaLabel = this.element.querySelector(".chart").ariaLabel;
    if (table) this.box.setAttribute("aria-details", table);
    this.element.append(this.box);
    await this.draw();
    this.element.classList.add("is-live");
    this.box.on("plotly_click", (event) => this.follow(event));
    this.box.on("plotly_relayout", (change) => this.zoom(change));
    this.switches.forEach((button) => button.addEventListener("click", () => this.toggle(button)));
    const again = () => this.draw();
    const root = document.documentElement;
    new MutationObserver(again).observe(root, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    // Who comes back to the page sees all of it, and not what was dragged over.
    addEventListener("pageshow", (event) => event.persisted && again());
  }

  draw() {
    const style = getComputedStyle(this.element);
    const probe = this.element.appendChild(document.createElement("i"));
    const { data, layout } = coloured(this.figure, probe);
    probe.remove();
    layout.margin = this.margin();
    layout.font = { ...layout.font, family: style.fontFamily, size: parseFloat(style.fontSize) };
    if (TOUCH) layout.dragmode = false;
    layout.yaxis.range = [0, this.top()];
    return this.plotly.react(this.box, data, layout, CONFIG);
  }

  /** The room around the SVG, so that lines stay where they are. */
  margin() {
    const outer = this.element.getBoundingClientRect();
    const inner = this.element.querySelector(".chart").getBoundingClientRect();
    const [l, r] = [inner.left - outer.left, outer.right - inner.right];
    return { l, r, t: inner.top - outer.top, b: outer.bottom - inner.bottom };
  }

  /** The end of the scale: as the server set it, or above what was switched on. */
  top() {
    const { data, layout } = this.figure;
    const shown = data.filter((trace) => trace.visible === true).flatMap((trace) => trace.y);
    return Math.max(layout.yaxis.range[1], ...shown.map((value) => value * 1.06));
  }

  toggle(button) {
    const trace = this.figure.data.find((item) => item.name === button.dataset.trace);
    trace.visible = !trace.visible;
    button.setAttribute("aria-pressed", trace.visible);
    this.draw();
  }

  follow({ points, event }) {
    const href = points.map((point) => point.customdata).find(Boolean);
    if (!href) return;
    if (TOUCH && !this.isSecond(href)) return;
    if (event.ctrlKey || event.metaKey) window.open(href, "_blank", "noopener");
    else location.assign(href);
  }

  /** A finger sees what a point says before it follows it; one touch may come as two clicks. */
  isSecond(href) {
    const now = performance.now();
    const isSame = this.touched?.href === href;
    if (!isSame) this.touched = { href, at: now };
    return isSame && now - this.touched.at > ONE_TOUCH;
  }

  zoom(change) {
    const range = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (range.includes(undefined) || !this.element.dataset.zoom) return;
    const [first, last] = range.map((time) => {
      const [date, clock = "00:00"] = time.split(" ");
      return Date.parse(`${date}T${clock}Z`);
    });
    const day = (time) => new Date(time).toISOString().slice(0, 10);
    const url = new URL(this.element.dataset.zoom, location.href);
    url.searchParams.set("after", day(first));
    url.searchParams.set("before", day(Math.floor(last / DAY) * DAY + DAY));
    location.assign(url);
  }
}

const near = new IntersectionObserver((entries) => {
  entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => {
    near.unobserve(target);
    // After the frame in which the SVG is painted.
    requestAnimationFrame(() => setTimeout(() => new Plot(target).start()));
  });
}, { rootMargin: "200px" });

function watch(root) {
  root.querySelectorAll("[data-plot]:not(.is-live)").forEach((element) => near.observe(element));
}

watch(document);
document.addEventListener("htmx:load", (event) => watch(event.target));
