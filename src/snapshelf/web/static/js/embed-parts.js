// Parts of <snapshelf-search>: the ways a photo comes in, icons, colours.

import { el } from "./dom.js";
import { text } from "./words.js";

const ACCEPTED = "image/*,.heic,.heif,.avif";
const SVG = "http://www.w3.org/2000/svg";
const PICTURE = "M6.5 4.5h11a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2h-11a2 2 0 0 1-2-2v-11a2 2 0 0 1 2-2M4.5 17l4.6-4.3 3.4 3 2.7-2.4 4.3 3.9";

/** Buttons to choose a photo and, on touch screens (by style), to take one. The inputs are what keyboards reach. */
export function pickers({ onPhoto, chooseKey, primary = false }) {
  const picker = (key, look, props = {}) => {
    const input = el("input", { class: "visually-hidden", type: "file", accept: ACCEPTED, ...props });
    input.addEventListener("change", () => {
      const [file] = input.files;
      input.value = ""; // so that the same file can be chosen again
      if (file) onPhoto(file);
    });
    return el("label", { class: look }, input, el("span", { text: text(key) }));
  };
  return [
    picker(chooseKey, primary ? "button primary" : "button"),
    picker("embed.take", "button touch-only", { capture: "environment", accept: "image/*" }),
  ];
}

/** The symbols that cards use; those of a page are out of reach in a shadow tree. */
export function embedIcons() {
  const make = (tag, props) => {
    const made = document.createElementNS(SVG, tag);
    Object.entries(props).forEach((pair) => made.setAttribute(...pair));
    return made;
  };
  const icons = make("svg", { class: "symbols", "aria-hidden": "true" });
  const symbol = make("symbol", { id: "i-picture", viewBox: "0 0 24 24" });
  symbol.append(make("path", { d: PICTURE }));
  icons.append(symbol);
  return icons;
}

/** What the page around sets as its colour. */
export const accentOf = (host) => getComputedStyle(host).getPropertyValue("--snapshelf-accent").trim();

/** A colour as CSS writes it, as #rrggbb; null for what is none. */
export function colourOf(written) {
  if (!written || !CSS.supports("color", written)) return null;
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  context.fillStyle = written;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return `#${[red, green, blue].map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}
