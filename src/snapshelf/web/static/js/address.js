// What of a search stands in the page's address, so that it can be shared. The photo is never a part of it.

export const NO_FILTERS = Object.freeze({
  category: null,
  in_stock: null,
  price_min: null,
  price_max: null,
  attribute: null,
  text: null,
});

/** Filters from `?category=…&in_stock=true&price_min=…&attribute=brand:Acme&text=…`; all else is left out. */
export function readFilters(search) {
  const query = new URLSearchParams(search);
  return {
    category: query.get("category") || null,
    in_stock: query.get("in_stock") === "true" || null,
    price_min: amount(query.get("price_min")),
    price_max: amount(query.get("price_max")),
    attribute: someOrNull(query.getAll("attribute").filter((text) => /^[^:]+:./.test(text))),
    text: query.get("text")?.trim() || null,
  };
}

/** The product that others should be like, from `?like=…`, or null. */
export const readLike = (search) => new URLSearchParams(search).get("like") || null;

/** The address of this page with these filters and, where products like another are shown, its id. */
export function addressOf(filters, like, location) {
  const query = new URLSearchParams([...(like ? [["like", like]] : []), ...fieldsOf(filters)]).toString();
  return query ? `${location.pathname}?${query}` : location.pathname;
}

/** The filters in use as the API's fields: pairs of name and text. */
export const fieldsOf = (filters) =>
  Object.entries(filters)
    .filter(([, value]) => value !== null)
    .flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)]));

/** Only the filters that this store has, so that an old link finds something. */
export function fitting(filters, store) {
  const known = store.categories.some((category) => category.name === filters.category);
  return {
    ...filters,
    category: known ? filters.category : null,
    in_stock: store.has_stock ? filters.in_stock : null,
    price_min: store.has_prices ? filters.price_min : null,
    price_max: store.has_prices ? filters.price_max : null,
  };
}

/** An amount of money from text: null where it is empty, negative or no number. */
export function amount(text) {
  const number = Number.parseFloat(text ?? "");
  return Number.isFinite(number) && number >= 0 ? number : null;
}

/** A list, or null where it is empty. */
export const someOrNull = (list) => (list.length > 0 ? list : null);
