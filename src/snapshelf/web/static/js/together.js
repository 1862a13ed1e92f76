// What was bought with the best match, apart from the look-alikes. Hidden where nothing is known or nothing is sure.

import { fetchBoughtTogether } from "./api.js";
import { card } from "./cards.js";
import { byId } from "./dom.js";
import { text } from "./words.js";

export function createTogether({ onLike }) {
  let asking = new AbortController();
  return (now, before) => {
    if (now.answer === before.answer && now.error === before.error && now.store === before.store) return;
    asking.abort();
    asking = new AbortController();
    const product = bestMatch(now);
    if (product) find(product, now.answeredFilters.in_stock, { signal: asking.signal, onLike });
    else show([]);
  };
}

/** The product to ask about: the nearest one, where the page is sure enough of what the photo shows. */
function bestMatch({ answer, error, store }) {
  const sure = ["confident", "likely"].includes(answer?.prediction?.verdict);
  return store.has_orders && sure && !error ? (answer.recommendations[0]?.product ?? null) : null;
}

async function find(product, inStock, { signal, onLike }) {
  try {
    const { num_orders, bought_together } = await fetchBoughtTogether(product.id, { inStock, signal });
    if (signal.aborted) return;
    byId("together-title").textContent = text("together.title", { title: product.title });
    const cardOf = ({ product: other, support }) =>
      card({ product: other, reason: text("together.reason", { support, orders: num_orders }) }, { onLike });
    show(bought_together.map(cardOf));
  } catch {
    if (!signal.aborted) show([]); // the look-alikes are there; this is only beside them
  }
}

function show(cards) {
  byId("together").hidden = cards.length === 0;
  byId("together-grid").replaceChildren(...cards);
}
