// The filters in use, in words, and the row to choose them from. Built once, so that focus stays where it is.

import { NO_FILTERS, someOrNull } from "./address.js";
import { byId, el } from "./dom.js";
import { attributeParts, categoryPart, pricePart, stockPart, wordsPart } from "./filter-parts.js";
import { inSentence, readable } from "./labels.js";
import { text } from "./words.js";

/** The filters in use, each with words for it and the filters that remain without it. */
export function activeFilters(filters) {
  const { category, in_stock, price_min, price_max, attribute } = filters;
  const active = [];
  const add = (key, words, lifted) => active.push({ key, words, without: { ...filters, ...lifted } });
  if (category !== null) add("category", inSentence(category), { category: null });
  if (in_stock !== null) add("in_stock", text("filter.in_stock"), { in_stock: null });
  if (price_min !== null || price_max !== null) {
    add("price", priceWords(price_min, price_max), { price_min: null, price_max: null });
  }
  for (const one of attribute ?? []) {
    const others = someOrNull(attribute.filter((other) => other !== one));
    add(`attribute ${one}`, readable(one).replace(":", ": "), { attribute: others });
  }
  return active;
}

function priceWords(least, most) {
  if (least === null) return text("filter.price_to", { most });
  return most === null ? text("filter.price_from", { least }) : text("filter.price", { least, most });
}

/** Builds the row for this store, with all there is to choose from; returns what keeps it in step with the state. */
export function createFilters(store, facets, state, onChange) {
  const form = byId("filters");
  const change = (part) => onChange({ ...state.get().filters, ...part });
  const rest = [
    ...(store.has_stock ? [stockPart(facets, change)] : []),
    ...(store.has_prices ? [pricePart(facets, change)] : []),
    wordsPart(change),
    ...attributeParts(facets, state, change),
  ];
  const parts = [...(store.categories.length > 1 ? [categoryPart(store.categories, change)] : []), ...rest];
  const group = { class: "chips", role: "group", "aria-label": text("filters.more") };
  const row = el("div", group, ...rest.map((part) => part.element));
  form.replaceChildren(...parts.slice(0, parts.length - rest.length).map((part) => part.element), row);
  form.hidden = false;
  form.onsubmit = (event) => event.preventDefault();
  return (now) => {
    for (const part of parts) part.sync(now.filters);
    if (now.facets) for (const part of parts) part.count?.(now.facets);
  };
}

export const liftAll = () => ({ ...NO_FILTERS });
