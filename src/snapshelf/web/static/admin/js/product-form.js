// A product's form: a new one with its photo, or what is said of one that is there.

import { byId, el } from "../../js/dom.js";
import { base64Of } from "../../js/base64.js";
import { shrunk } from "../../js/shrink.js";
import { text } from "../../js/words.js";
import { faultOf } from "./faults.js";
import { putProduct } from "./staff-api.js";

/**
 * Opens the form; closes it when the product is saved, or given up.
 * @param product null for a new one
 * @returns {Promise<object|null>} the product as it was saved
 */
export function editProduct(product, { store }) {
  const dialog = byId("product-form");
  const fault = el("p", { class: "fault", role: "alert" });
  return new Promise((resolve) => {
    let saved = null;
    const save = async (event) => {
      event.preventDefault();
      const form = event.target;
      form.setAttribute("aria-busy", "true");
      fault.textContent = "";
      try {
        saved = await putProduct(product?.id ?? form.elements.id.value.trim(), await asSent(form, product));
        dialog.close();
      } catch (error) {
        fault.textContent = faultOf(error);
      }
      form.removeAttribute("aria-busy");
    };
    dialog.replaceChildren(
      el("h2", { id: "product-form-title", text: product ? text("products.edit_title") : text("products.add") }),
      el("form", { class: "fields", on: { submit: save } }, ...fields(product, store), fault, buttons(dialog)),
    );
    dialog.addEventListener("close", () => resolve(saved), { once: true });
    dialog.showModal();
  });
}

function fields(product, store) {
  const known = product ?? { title: "", category: "", price: null, currency: null, in_stock: true, url: "" };
  const stock = el(
    "select",
    { class: "chip", name: "in_stock", id: "product-stock" },
    ...[["", "–"], ["true", text("stock.in")], ["false", text("stock.out")]].map(([value, name]) =>
      el("option", { value, text: name, selected: value === String(known.in_stock ?? "") }),
    ),
  );
  return [
    product ? null : field("id", { required: true, maxlength: 200 }),
    field("title", { value: known.title, required: true, maxlength: 300 }),
    field("category", { value: known.category, required: true, maxlength: 300, list: "product-categories" }),
    el("datalist", { id: "product-categories" }, ...store.categories.map(({ name }) => el("option", { value: name }))),
    field("price", { value: known.price ?? "", type: "number", min: 0, step: "any", inputmode: "decimal" }),
    field("currency", { value: known.currency ?? "", pattern: "[A-Z]{3}", maxlength: 3, placeholder: "EUR" }),
    labelled("products.stock", "product-stock", stock),
    field("url", { value: known.url ?? "", maxlength: 2000, pattern: "(https?://|/).*", inputmode: "url" }),
    field("photo", { type: "file", accept: "image/*", required: !product, class: "plain-file" }),
  ].filter(Boolean);
}

function field(name, attributes) {
  const id = `product-${name}`;
  const input = el("input", { class: "chip", name, id, autocomplete: "off", ...attributes });
  return labelled(`products.field.${name}`, id, input);
}

const labelled = (key, id, input) => el("p", {}, el("label", { for: id, text: text(key) }), input);

const buttons = (dialog) =>
  el(
    "div",
    { class: "panel-row" },
    el("button", { class: "button primary", text: text("products.save") }),
    el("button", { class: "button", type: "button", text: text("products.cancel"), on: { click: () => dialog.close() } }),
  );

/** The whole product: what the form does not show stays as it was. */
async function asSent(form, product) {
  const { title, category, price, currency, in_stock, url, photo } = form.elements;
  const [file] = photo.files;
  const picture = file ? { image_base64: await base64Of(await shrunk(file, () => {})) } : {};
  return {
    title: title.value.trim(),
    category: category.value.trim(),
    price: price.value === "" ? null : price.valueAsNumber,
    currency: currency.value || null,
    in_stock: in_stock.value === "" ? null : in_stock.value === "true",
    url: url.value.trim() || null,
    attributes: product?.attributes ?? {},
    ...picture,
  };
}
