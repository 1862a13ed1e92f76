// A small chart of a few lines over time, with what it shows in words beside it.

import { el } from "../../js/dom.js";
import { whole } from "../../js/format.js";
import { text } from "../../js/words.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [360, 96];

/**
 * @param key of its title
 * @param series [{name, values}], a value for each step, null where there is none; the newest last
 * @param span {slots, from, to}: how many steps the chart has room for, and when the first and the last one ended
 */
export function chart(key, series, { slots, from, to }) {
  const most = Math.max(1, ...series.flatMap(({ values }) => values.filter((value) => value !== null)));
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const share of [0, 0.5, 1]) {
    svg.append(shape("line", { x1: 0, x2: WIDTH, y1: HEIGHT * share, y2: HEIGHT * share, class: "grid-line" }));
  }
  series.forEach(({ values }, at) => {
    svg.append(shape("path", { d: pathOf(values, slots, most), class: `line line-${at % 4}` }));
  });
  const top = text("health.top", { most: rounded(most) });
  return el(
    "figure",
    { class: "chart" },
    el("figcaption", {}, el("h2", { text: text(key) }), el("p", { class: "quiet small", text: top })),
    svg,
    el("p", { class: "chart-span quiet small" }, el("span", { text: from }), el("span", { text: to })),
    series.length
      ? el("ul", { role: "list", class: "legend small" }, ...series.map(legend))
      : el("p", { class: "quiet small", text: text("health.none") }),
  );
}

/** A line's name with its newest and its highest value. */
function legend({ name, values }, at) {
  const measured = values.filter((value) => value !== null);
  const most = measured.length ? Math.max(...measured) : null;
  return el(
    "li",
    {},
    el("span", { class: `swatch line-${at % 4}`, "aria-hidden": true }),
    el("bdi", { text: name }),
    el("span", { class: "quiet", text: text("health.now_and_most", { now: rounded(values.at(-1)), most: rounded(most) }) }),
  );
}

/** Tenths below ten, else whole; a dash where nothing was measured. */
const rounded = (value) => (value === null ? "–" : whole(value < 10 ? Math.round(value * 10) / 10 : Math.round(value)));

/** The newest step at the right end; a gap where nothing was measured. */
function pathOf(values, slots, most) {
  const step = WIDTH / Math.max(slots - 1, 1);
  const first = WIDTH - step * (values.length - 1);
  let path = "";
  let pen = "M";
  values.forEach((value, at) => {
    if (value === null) {
      pen = "M";
      return;
    }
    const [x, y] = [first + at * step, HEIGHT - 1 - (HEIGHT - 2) * (value / most)];
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    if (pen === "M") path += "h0.5"; // a single point is seen, too
    pen = "L";
  });
  return path;
}

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, String(value));
  return element;
}
