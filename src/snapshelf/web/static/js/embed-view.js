// What <snapshelf-search> shows, state by state. Every text is set as text, every address is checked.

import { card, skeletonCard } from "./cards.js";
import { el } from "./dom.js";
import { accentOf, colourOf, embedIcons, pickers } from "./embed-parts.js";
import { KINDS } from "./error-kinds.js";
import { drawn } from "./shrink.js";
import { applyAccent } from "./theme.js";
import { headline, resultsTitle, sureness } from "./verdict.js";
import { language, text } from "./words.js";

/**
 * @param host the element itself
 * @param does onPhoto(file), onCancel(), onAgain(), onSelect({product, similarity}) → whether the link may be followed
 */
export function createEmbedView(host, does) {
  const part = (name, tag = "div", props = {}) => el(tag, { class: name, ...props });
  const start = part("start");
  const photo = part("photo");
  const title = part("headline", "h2", { tabindex: "-1" });
  const sure = part("sureness", "p");
  const actions = part("actions");
  const side = el("div", { class: "verdict" }, title, sure, actions);
  const found = el("div", { class: "found" }, photo, side);
  const notice = part("notice");
  const results = part("results", "h3");
  const grid = part("grid", "ul", { role: "list" });
  const live = part("visually-hidden", "p", { role: "status" });
  const parts = [start, found, notice, results, grid];
  const props = { class: "embed", lang: language(), dir: text("language.direction"), "aria-label": text("embed.label") };
  const element = el("section", props, embedIcons(), ...parts, live);

  let items = new Map(); // product id → what was found

  const show = (...shown) => parts.forEach((each) => (each.hidden = !shown.includes(each)));
  const button = (key, act, primary = false) =>
    el("button", { class: primary ? "button primary" : "button", type: "button", on: { click: act } }, text(key));
  const again = (primary = false) => pickers({ onPhoto: does.onPhoto, chooseKey: "photo.new", primary });

  listenForDrops(element, does.onPhoto);
  grid.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    const item = link && items.get(link.closest("[data-product-id]").dataset.productId);
    if (item && !does.onSelect(item)) event.preventDefault();
  });

  function say(words) {
    live.textContent = words;
  }

  return {
    element,

    /** The colour of the page around, where it sets one, else the store's. */
    useAccent(storeAccent) {
      applyAccent(colourOf(accentOf(host)) ?? storeAccent, element);
    },

    showStart(server, { focus = false } = {}) {
      const privacy = el("a", { href: `${server}/privacy?language=${language()}`, target: "_blank", rel: "noopener" });
      privacy.textContent = text("start.privacy_link");
      const words = el("p", { class: "quiet small" }, `${text("start.privacy")} `, privacy);
      const choices = pickers({ onPhoto: does.onPhoto, chooseKey: "camera.choose", primary: true });
      start.replaceChildren(...choices, el("p", { class: "quiet drop", text: text("embed.drop") }), words);
      photo.replaceChildren();
      show(start);
      if (focus) start.querySelector("input").focus();
    },

    showPhoto(canvas) {
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", text("photo.yours"));
      photo.replaceChildren(canvas);
    },

    /** Draws what is sent, where nothing is drawn yet. A canvas needs no address, which a shop's policy may forbid. */
    async preview(blob, onDrawn) {
      const bitmap = await createImageBitmap(blob).catch(() => null); // not read here; the server may read it
      if (bitmap) onDrawn(drawn(bitmap));
      bitmap?.close();
    },

    showWorking() {
      show(found, grid);
      [title.textContent, sure.textContent] = [text("photo.looking"), ""];
      actions.replaceChildren(button("photo.cancel", does.onCancel));
      grid.replaceChildren(...Array.from({ length: 4 }, skeletonCard));
      grid.setAttribute("aria-busy", "true");
      title.focus({ preventScroll: true });
      say(text("photo.looking"));
    },

    showSlow() {
      sure.textContent = text("photo.slow");
    },

    showAnswer({ prediction, recommendations }, server) {
      const count = text("results.count", { count: recommendations.length });
      show(found, results, grid);
      [title.textContent, sure.textContent] = [headline(prediction), sureness(prediction)];
      actions.replaceChildren(...again());
      results.textContent = recommendations.length ? resultsTitle(prediction) : text("empty.store");
      items = new Map(recommendations.map((item) => [item.product.id, item]));
      grid.replaceChildren(...recommendations.map((item) => card(from(server, item))));
      grid.removeAttribute("aria-busy");
      title.focus({ preventScroll: true });
      say(`${title.textContent.replace(/\.$/, "")}. ${count}`);
    },

    /** Says what went wrong and what to do. `unavailable`: before anything was chosen. */
    showError(error, { unavailable, server }) {
      const own = unavailable && error.kind !== "offline";
      const [heading, ...lines] = own
        ? [text("embed.unavailable.title"), text("embed.unavailable.help")]
        : [text(`error.${error.kind}.title`), error.detail?.(), text(`error.${error.kind}.help`)].filter(Boolean);
      const said = [el("h3", { text: heading }), ...lines.map((line) => el("p", { text: line }))];
      const open = el("a", { class: "button", href: server, text: text("embed.open") });
      const reached = !own && !["offline", "unreachable"].includes(error.kind);
      const chooses = KINDS[error.kind]?.actions[0] === "choose"; // the likeliest first
      const retry = button("action.retry", does.onAgain, !chooses);
      const ways = [...(chooses ? [] : [retry]), ...(reached ? again(chooses) : [open])];
      notice.replaceChildren(el("div", { role: "alert" }, ...said), el("div", { class: "actions" }, ...ways));
      show(...(photo.hasChildNodes() && !unavailable ? [found, notice] : [notice]));
      [title.textContent, sure.textContent] = [text("photo.yours"), ""];
      actions.replaceChildren();
      say("");
    },
  };
}

/** Its picture is at the server; a path of its link is of the shop's page. */
const from = (server, item) => {
  const { image_url: picture } = item.product;
  return { ...item, product: { ...item.product, image_url: picture && new URL(picture, server).href } };
};

function listenForDrops(element, onPhoto) {
  const on = (name, act) =>
    element.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      act(event);
    });
  on("dragover", () => element.classList.add("dropping"));
  on("dragleave", () => element.classList.remove("dropping"));
  on("drop", (event) => {
    element.classList.remove("dropping");
    const files = [...event.dataTransfer.files];
    const file = files.find(({ type }) => type.startsWith("image/")) ?? files[0];
    if (file) onPhoto(file);
  });
}
