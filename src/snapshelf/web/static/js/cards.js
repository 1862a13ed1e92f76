// Product cards. Every text is set as text, every address is checked.

import { el, icon, safeAddress } from "./dom.js";
import { alike, price } from "./format.js";
import { capitalised, readable } from "./labels.js";
import { stockText } from "./panel-texts.js";
import { reasonText } from "./reasons.js";
import { text } from "./words.js";

const SMALL_PX = 160;
const FULL_PX = 320;

/**
 * A card for one product. A look-alike has a `similarity`. `feedback` is the element with its thumbs;
 * `onLike` takes the product when more like it is wanted.
 */
export function card({ product, similarity, reasons, reason }, { feedback = null, onLike = null } = {}) {
  const why = reasons ? reasonText(reasons) : reason;
  const facts = el(
    "div",
    { class: "card-text" },
    el("p", { class: "card-category" }, el("bdi", { text: capitalised(readable(product.category ?? "")) })),
    el("h3", { class: "card-title" }, title(product)),
    offer(product),
    why ? el("p", { class: "card-reason", text: capitalised(why) }) : null,
  );
  const figure = similarity === undefined ? null : text("card.alike", { figure: alike(similarity) });
  const foot = el(
    "div",
    { class: "card-foot" },
    figure ? el("p", { class: "alike", text: figure }) : null,
    feedback,
    onLike ? likeButton(product, onLike) : null,
  );
  const article = el("article", { class: "card" }, picture(product), facts, foot);
  article.dataset.productId = product.id;
  return el("li", {}, article);
}

function likeButton(product, onLike) {
  const what = el("span", { class: "visually-hidden", text: `: ${product.title}` });
  const does = { type: "button", on: { click: () => onLike(product) } };
  return el("button", { class: "like-button", ...does }, text("card.like"), what);
}

/** A card's place while the search is under way. */
export function skeletonCard() {
  const lines = ["short", "long", "middle"].map((length) => el("span", { class: `bone ${length}` }));
  const bones = [el("div", { class: "card-picture bone" }), el("div", { class: "card-text" }, ...lines)];
  return el("li", { "aria-hidden": "true" }, el("div", { class: "card skeleton" }, ...bones));
}

function title(product) {
  const href = safeAddress(product.url);
  return href ? el("a", { href, dir: "auto", text: product.title }) : el("bdi", { text: product.title });
}

function offer(product) {
  const amount = price(product.price, product.currency);
  const parts = [
    amount === null ? null : el("strong", { class: "price-tag", text: amount }),
    typeof product.in_stock === "boolean" ? stock(product.in_stock) : null,
  ];
  return parts.some(Boolean) ? el("p", { class: "card-offer" }, ...parts) : null;
}

const stock = (there) => el("span", { class: there ? "stock in" : "stock", text: stockText(there) });

function picture(product) {
  const frame = el("div", { class: "card-picture" });
  const missing = () => frame.replaceChildren(icon("picture"));
  const sizes = "(min-width: 600px) 240px, 46vw";
  if (safeAddress(product.image_url)) frame.append(productPicture(product, sizes, missing));
  else missing();
  return frame;
}

/** A product's picture in the size that is shown. Its title says what it shows, so it has no text of its own. */
export function productPicture(product, sizes, onMissing) {
  const src = safeAddress(product.image_url);
  const small = new URL(src);
  small.searchParams.set("size", String(SMALL_PX));
  const srcset = `${small.href} ${SMALL_PX}w, ${src} ${FULL_PX}w`;
  const how = { width: FULL_PX, height: FULL_PX, loading: "lazy", decoding: "async" };
  return el("img", { ...how, sizes, srcset, src, alt: "", on: { error: onMissing } });
}
