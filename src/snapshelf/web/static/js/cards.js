// Product cards. Every text is set as text, every address is checked.

import { el, icon, safeAddress } from "./dom.js";
import { alike, price } from "./format.js";
import { capitalised, readable } from "./words.js";

/**
 * A card for one product. A look-alike has a `similarity`, and `feedback`, the element with its «Not helpful» button.
 */
export function card({ product, similarity, reason }, feedback = null) {
  const facts = el(
    "div",
    { class: "card-text" },
    el("p", { class: "card-category", text: capitalised(readable(product.category ?? "")) }),
    el("h3", { class: "card-title" }, title(product)),
    offer(product),
    reason ? el("p", { class: "card-reason", text: capitalised(reason) }) : null,
  );
  const foot = similarity === undefined ? null : likeness(similarity, feedback);
  return el("li", {}, el("article", { class: "card" }, picture(product), facts, foot));
}

function likeness(similarity, feedback) {
  const figure = el("p", { class: "alike", text: `${alike(similarity)} alike` });
  return el("div", { class: "card-foot" }, figure, feedback);
}

/** A card's place while the search is under way. */
export function skeletonCard() {
  const lines = ["short", "long", "middle"].map((length) => el("span", { class: `bone ${length}` }));
  const bones = [el("div", { class: "card-picture bone" }), el("div", { class: "card-text" }, ...lines)];
  return el("li", { "aria-hidden": "true" }, el("div", { class: "card skeleton" }, ...bones));
}

function title(product) {
  const href = safeAddress(product.url);
  return href ? el("a", { href, text: product.title }) : el("span", { text: product.title });
}

function offer(product) {
  const amount = price(product.price, product.currency);
  const parts = [
    amount === null ? null : el("strong", { class: "price-tag", text: amount }),
    typeof product.in_stock === "boolean" ? stock(product.in_stock) : null,
  ];
  return parts.some(Boolean) ? el("p", { class: "card-offer" }, ...parts) : null;
}

const stock = (there) =>
  there ? el("span", { class: "stock in", text: "In stock" }) : el("span", { class: "stock", text: "Out of stock" });

function picture(product) {
  const frame = el("div", { class: "card-picture" });
  const src = safeAddress(product.image_url);
  const missing = () => frame.replaceChildren(icon("picture"));
  // The title says what the picture shows, so it has no text of its own.
  const size = { width: 320, height: 320, loading: "lazy", decoding: "async" };
  if (src) frame.append(el("img", { src, alt: "", ...size, on: { error: missing } }));
  else missing();
  return frame;
}
