// What there is to choose from, kept in step with the filters once their products are shown.

import { fetchFacets } from "./api.js";

export function createFacets(state) {
  let asking = new AbortController();
  let counted = null; // the filters that the counts are of

  async function count(filters) {
    asking.abort();
    asking = new AbortController();
    counted = filters;
    const { signal } = asking;
    const facets = await fetchFacets(filters, { signal }).catch(() => null); // filtering works without the counts
    if (!signal.aborted) state.set({ facets });
  }

  state.subscribe((now) => {
    // After the answer, so that the products never wait for it.
    if (now.open && now.answer && !now.busy && now.answeredFilters !== counted) count(now.answeredFilters);
  });
}
