// The table of products: found by words, added, changed, and removed with a time to undo.

import { byId, el, safeAddress } from "../../js/dom.js";
import { price } from "../../js/format.js";
import { capitalised, readable } from "../../js/labels.js";
import { stockText } from "../../js/panel-texts.js";
import { text } from "../../js/words.js";
import { editProduct } from "./product-form.js";
import { deleteProduct, findProducts } from "./staff-api.js";

const PAGE = 25;
const UNDO_MS = 8000;

export function createProducts({ store, attempt, say }) {
  let [rows, total, offset] = [[], 0, 0];
  const leaving = new Map(); // product id → its timer, until it is removed for good

  async function load() {
    const wanted = { text: byId("products-text").value, offset, limit: PAGE };
    const found = await attempt(() => findProducts(wanted));
    if (!found) return;
    [rows, total] = [found.products, found.total];
    draw();
  }

  function draw() {
    byId("products-text").placeholder = text("products.search");
    byId("products-found").textContent = text("results.count", { count: total });
    const drawn = rows.map((product) => (leaving.has(product.id) ? leavingRow(product) : row(product)));
    byId("products-rows").replaceChildren(...drawn);
    byId("products-before").hidden = offset === 0;
    byId("products-after").hidden = offset + PAGE >= total;
  }

  function row(product) {
    const src = safeAddress(product.image_url);
    const small = src ? `${src}${src.includes("?") ? "&" : "?"}size=160` : null;
    return el(
      "tr",
      { role: "row" },
      cell("picture", small ? el("img", { src: small, alt: "", width: 48, height: 48, loading: "lazy" }) : null),
      cell("product", named("row-title", product.title), named("quiet small", product.id)),
      cell("category", el("bdi", { text: capitalised(readable(product.category)) })),
      cell("price", price(product.price, product.currency) ?? "–"),
      cell("stock", stockText(product.in_stock) ?? "–"),
      cell("actions", button("products.edit", product, edit), button("products.remove", product, remove)),
    );
  }

  function leavingRow(product) {
    const words = el("span", { text: text("products.removed", { title: product.title }) });
    const undo = button("feedback.undo", product, keep);
    return el("tr", { role: "row", class: "leaving" }, el("td", { role: "cell", colspan: 6 }, words, undo));
  }

  function remove(product) {
    leaving.set(product.id, setTimeout(() => removeForGood(product.id), UNDO_MS));
    draw();
    rowOf(product)?.querySelector("button")?.focus();
  }

  function keep(product) {
    clearTimeout(leaving.get(product.id));
    leaving.delete(product.id);
    draw();
    rowOf(product)?.querySelector("button")?.focus();
  }

  const rowOf = (product) => byId("products-rows").children[rows.indexOf(product)];

  async function removeForGood(id) {
    clearTimeout(leaving.get(id));
    const removed = await attempt(() => deleteProduct(id).then(() => true));
    leaving.delete(id);
    if (removed) {
      rows = rows.filter((product) => product.id !== id);
      total -= 1;
    }
    draw();
  }

  async function edit(product) {
    const saved = await editProduct(product, { store });
    if (!saved) return;
    say(text("products.saved", { title: saved.title }));
    await load();
  }

  byId("product-add").addEventListener("click", () => edit(null));
  byId("products-search").addEventListener("submit", (event) => {
    event.preventDefault();
    offset = 0;
    load();
  });
  for (const [id, by] of [["products-before", -PAGE], ["products-after", PAGE]]) {
    byId(id).addEventListener("click", async () => {
      offset = Math.max(0, offset + by);
      await load();
      byId("products-title").focus();
    });
  }

  /** What waits to be removed is removed before the room is left. */
  const close = () => [...leaving.keys()].forEach(removeForGood);

  return { open: load, draw, close };
}

const named = (look, words) => el("p", { class: look }, el("bdi", { text: words }));

/** A button that says for whom it is to those who don't see its row. */
const button = (key, product, act) =>
  el("button", {
    class: "text-button", type: "button", text: text(key), "aria-label": `${text(key)}: ${product.title}`,
    on: { click: () => act(product) },
  });

const cell = (column, ...content) => el("td", { role: "cell", class: `cell-${column}` }, ...content);
