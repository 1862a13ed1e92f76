// The page's one state, and who wants to know of its changes.

/**
 * photo     {blob, url} or null: what is searched for; never leaves memory but for the search itself
 * open      whether the search is shown (else the start)
 * busy      a search is under way;  slow: it has been for a second
 * filters   {category, in_stock, price_min, price_max}: see address.js
 * answer    the last answer to this photo, or null;  answeredFilters: the filters it was asked with
 * blocking  keys of the filters that, lifted alone, would give products again; null while that isn't known
 * error     a SearchError, or null
 * store     what the server says of the store
 */
export function createState(initial) {
  let current = initial;
  const listeners = [];
  return {
    get: () => current,
    set(change) {
      const previous = current;
      current = { ...current, ...change };
      for (const listener of listeners) listener(current, previous);
    },
    subscribe: (listener) => listeners.push(listener),
  };
}
