// Recently viewed products: their ids are kept on this device, and nowhere else.

import { fetchProduct } from "./api.js";
import { productPicture } from "./cards.js";
import { el, icon, safeAddress } from "./dom.js";
import { price } from "./format.js";
import { keepProducts } from "./kept.js";

const KEY = "snapshelf.recent";
const MOST = 12;

/** The ids, newest first. A browser that keeps nothing (private windows, blocked storage) has none. */
function kept() {
  try {
    const ids = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string").slice(0, MOST) : [];
  } catch {
    return [];
  }
}

function keep(ids) {
  try {
    if (ids.length > 0) localStorage.setItem(KEY, JSON.stringify(ids.slice(0, MOST)));
    else localStorage.removeItem(KEY);
  } catch {
    // nothing is kept, then
  }
}

/**
 * @param section its heading, its «Clear» and its list
 * @param onLike for a product that has no page of its own
 */
export function createRecent(section, { onLike }) {
  const list = section.querySelector("ul");
  const known = new Map(); // id → product, as it was when this page asked
  section.querySelector("button").addEventListener("click", () => {
    keep([]);
    keepProducts([]);
    section.hidden = true;
    document.getElementById("start-title").focus();
  });

  async function find(id) {
    const missing = (error) => (error.kind === "gone" ? null : undefined); // not reached: asked again next time
    const product = known.get(id) ?? (await fetchProduct(id).catch(missing));
    if (product) known.set(id, product);
    return product;
  }

  /** The products, put aside for when there is no connection; those that are gone are forgotten. */
  async function findAll() {
    const ids = kept();
    const products = await Promise.all(ids.map(find));
    const gone = ids.filter((_, at) => products[at] === null);
    if (gone.length > 0) keep(kept().filter((id) => !gone.includes(id))); // others may have come meanwhile
    const there = products.filter(Boolean);
    if (navigator.onLine) keepProducts(there);
    return there;
  }

  return {
    add(id) {
      keep([id, ...kept().filter((other) => other !== id)]);
      findAll(); // now, since it may be looked at for long, and the connection lost meanwhile
    },
    async show() {
      section.hidden = kept().length === 0;
      const there = await findAll();
      section.hidden = there.length === 0;
      list.replaceChildren(...there.map((product) => el("li", {}, item(product, onLike))));
    },
  };
}

function item(product, onLike) {
  const words = [
    el("span", { class: "recent-title", text: product.title }),
    el("span", { class: "figure", text: price(product.price, product.currency) ?? "" }),
  ];
  const parts = [picture(product), ...words];
  const href = safeAddress(product.url);
  if (!href) return el("button", { class: "sample", type: "button", on: { click: () => onLike(product) } }, ...parts);
  const link = el("a", { class: "sample", href }, ...parts);
  link.dataset.productId = product.id;
  return link;
}

function picture(product) {
  const frame = el("span", { class: "sample-picture" });
  const missing = () => frame.replaceChildren(icon("picture"));
  if (safeAddress(product.image_url)) frame.append(productPicture(product, "88px", missing));
  else missing();
  return frame;
}
