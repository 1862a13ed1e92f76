// The row of filters: categories, in stock, price. Built once, so that focus stays where it is.

import { amount, NO_FILTERS } from "./address.js";
import { byId, el } from "./dom.js";
import { capitalised, inSentence, readable } from "./words.js";

const MOST_CHIPS = 12; // with more categories than this, a list to choose from

/** The filters in use, each with words for it and the filters that remain without it. */
export function activeFilters(filters) {
  const { category, in_stock, price_min, price_max } = filters;
  const active = [];
  const add = (key, words, lifted) => active.push({ key, words, without: { ...filters, ...lifted } });
  if (category !== null) add("category", inSentence(category), { category: null });
  if (in_stock !== null) add("in_stock", "in stock", { in_stock: null });
  if (price_min !== null || price_max !== null) {
    add("price", priceWords(price_min, price_max), { price_min: null, price_max: null });
  }
  return active;
}

function priceWords(least, most) {
  if (least === null) return `price up to ${most}`;
  return most === null ? `price from ${least}` : `price ${least} to ${most}`;
}

/** Builds the row for this store and returns what keeps it in step with the state. */
export function createFilters(store, state, onChange) {
  const form = byId("filters");
  const change = (part) => onChange({ ...state.get().filters, ...part });
  const parts = [];
  if (store.categories.length > 1) parts.push(categoryPart(store.categories, change));
  if (store.has_stock) parts.push(stockPart(change));
  if (store.has_prices) parts.push(pricePart(change));
  form.replaceChildren(...parts.map((part) => part.element));
  form.hidden = parts.length === 0;
  form.addEventListener("submit", (event) => event.preventDefault());
  return (filters) => parts.forEach((part) => part.sync(filters));
}

const categoryPart = (categories, change) =>
  categories.length > MOST_CHIPS ? categoryList(categories, change) : categoryChips(categories, change);

function categoryChips(categories, change) {
  const chip = (name, text) =>
    el("button", { class: "chip", type: "button", text, on: { click: () => change({ category: name }) } });
  const chips = new Map([[null, chip(null, "All")]]);
  for (const { name } of categories) chips.set(name, chip(name, capitalised(readable(name))));
  const element = el("div", { class: "chips", role: "group", "aria-label": "Category" }, ...chips.values());
  return { element, sync: ({ category }) => chips.forEach((button, name) => press(button, name === category)) };
}

function press(button, pressed) {
  const before = button.getAttribute("aria-pressed") === "true";
  button.setAttribute("aria-pressed", String(pressed));
  if (pressed && !before) showInRow(button);
}

/** Scrolls the row alone: the page stays where it is. */
function showInRow(button) {
  const row = button.parentElement;
  row.scrollTo({ left: button.offsetLeft - (row.clientWidth - button.offsetWidth) / 2, behavior: "smooth" });
}

function categoryList(categories, change) {
  const options = categories.map(({ name }) => el("option", { value: name, text: capitalised(readable(name)) }));
  const select = el(
    "select",
    { class: "chip", on: { change: () => change({ category: select.value || null }) } },
    el("option", { value: "", text: "All categories" }),
    ...options,
  );
  const element = el("label", { class: "field" }, el("span", { class: "visually-hidden", text: "Category" }), select);
  return {
    element,
    sync: ({ category }) => {
      select.value = category ?? "";
      select.classList.toggle("chosen", category !== null);
    },
  };
}

function stockPart(change) {
  const toggle = () => change({ in_stock: button.getAttribute("aria-pressed") === "true" ? null : true });
  const button = el("button", { class: "chip", type: "button", text: "In stock", on: { click: toggle } });
  return { element: button, sync: ({ in_stock }) => button.setAttribute("aria-pressed", String(in_stock === true)) };
}

function pricePart(change) {
  const [least, most] = [priceField("from"), priceField("to")];
  const hint = el("p", { class: "hint", role: "alert", hidden: true, text: "The lowest price is above the highest." });
  const read = () => ({ price_min: amount(least.value), price_max: amount(most.value) });
  const onInput = () => {
    const { price_min, price_max } = read();
    hint.hidden = price_min === null || price_max === null || price_min <= price_max;
    if (hint.hidden) change({ price_min, price_max });
  };
  for (const input of [least, most]) input.addEventListener("input", onInput);
  const mark = (text) => el("span", { "aria-hidden": "true", text });
  const box = el("span", { class: "chip price-box" }, mark("Price"), least, mark("–"), most);
  const sync = ({ price_min, price_max }) => {
    if (!hint.hidden && box.contains(document.activeElement)) return; // being typed
    hint.hidden = true;
    write(least, price_min);
    write(most, price_max);
    box.classList.toggle("chosen", price_min !== null || price_max !== null);
  };
  return { element: el("div", { class: "price", role: "group", "aria-label": "Price" }, box, hint), sync };
}

function priceField(label) {
  const number = { type: "number", min: 0, step: "any", inputmode: "decimal" };
  return el("input", { ...number, placeholder: label, "aria-label": `Price, ${label}` });
}

/** Leaves a field alone that already says so, so that «12.» can become «12.5». */
function write(input, value) {
  if (amount(input.value) !== value) input.value = value ?? "";
}

export const liftAll = () => ({ ...NO_FILTERS });
