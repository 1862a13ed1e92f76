// The page's one state, and who wants to know of its changes.

/**
 * photo     {blob, upload} or null: what is searched for, and the promise of what is sent of it; never leaves memory
 *           but for the search itself
 * firstLook a canvas of it, there before its preview is; null for a small photo
 * preview   the address of what is shown of it, or null for the first milliseconds
 * like      the product that others should be like, all of it or {id} alone; null where it is the photo
 * open      whether a search is shown (else the start)
 * box       {x, y, w, h}, fractions of the photo: the part that is searched for; null is all of it
 * busy      a search is under way;  slow: it has been for a second
 * filters   {category, in_stock, price_min, price_max, attribute, text}: see address.js
 * topK      how many products are wanted
 * answer    the last answer, or null;  answeredFilters: the filters it was asked with
 * blocking  keys of the filters that, lifted alone, would give products again; null while that isn't known
 * error     a SearchError, or null
 * here      what this device itself took the photo for, where the server can't be reached, or null
 * facets    what there is to choose from under the filters, or null
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
