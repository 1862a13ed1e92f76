// The filters in the page's address, so that they can be shared. The photo is never a part of it.

export const NO_FILTERS = Object.freeze({ category: null, in_stock: null, price_min: null, price_max: null });

/** Filters from `?category=…&in_stock=true&price_min=…&price_max=…`; what is not understood is left out. */
export function readFilters(search) {
  const query = new URLSearchParams(search);
  return {
    category: query.get("category") || null,
    in_stock: query.get("in_stock") === "true" || null,
    price_min: amount(query.get("price_min")),
    price_max: amount(query.get("price_max")),
  };
}

/** The address of this page with these filters. */
export function addressOf(filters, location) {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== null)).toString();
  return query ? `${location.pathname}?${query}` : location.pathname;
}

/** Only the filters that this store has, so that an old link finds something. */
export function fitting(filters, store) {
  const known = store.categories.some((category) => category.name === filters.category);
  return {
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
