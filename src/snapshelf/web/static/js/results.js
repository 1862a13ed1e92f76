// The products' side of the page: skeleton, cards, more of them, nothing found, or what went wrong.

import { card, skeletonCard } from "./cards.js";
import { byId } from "./dom.js";
import { emptyPanel, errorPanel, stopCountdown } from "./error-panel.js";
import { productFeedback } from "./feedback.js";
import { titleOf } from "./panel-texts.js";
import { MOST, PAGE } from "./search.js";
import { text } from "./words.js";

/**
 * @param feedback what was said of the cards
 * @param onLike for «More like this»;  onMore for «Show more»
 * @param notice retry, choose, lift, filter (with filters)
 */
export function createResults({ feedback, onLike, onMore, notice }) {
  const cardOf = (one, requestId) =>
    card(one, { onLike, feedback: requestId ? productFeedback(feedback, requestId, one.product) : null });
  byId("more").addEventListener("click", onMore);
  return (now, before) => {
    byId("grid").setAttribute("aria-busy", String(now.busy));
    byId("results").dataset.stale = String(now.busy && now.answer !== null && now.topK === PAGE);
    byId("filters").classList.toggle("aside", now.error !== null && now.answer === null);
    showHead(now);
    showNotice(now, before, notice);
    showGrid(now, before, cardOf);
    showMore(now);
  };
}

function showHead(now) {
  const count = now.answer?.recommendations.length;
  document.querySelector(".results-head").hidden = now.error !== null || count === 0;
  byId("results-title").textContent = titleOf(now);
  byId("results-count").textContent = now.answer ? text("results.count", { count }) : "";
}

function showMore({ answer, error, busy, topK }) {
  const button = byId("more");
  const full = answer?.recommendations.length >= Math.min(topK, MOST); // there may be more
  button.hidden = error !== null || !(full || (busy && topK > PAGE)) || (!busy && topK >= MOST);
  button.setAttribute("aria-disabled", String(busy)); // not `disabled`: it would lose the focus
}

function showGrid(now, before, cardOf) {
  if (now.answer === before.answer && now.error === before.error && now.busy === before.busy) return;
  const grid = byId("grid");
  if (now.error) grid.replaceChildren();
  else if (now.answer === null) grid.replaceChildren(...(now.busy ? Array.from({ length: PAGE }, skeletonCard) : []));
  else if (now.answer !== before.answer || before.error) showCards(grid, now, before, cardOf);
}

function showCards(grid, now, before, cardOf) {
  const { recommendations, request_id } = now.answer;
  const shown = before.error ? [] : (before.answer?.recommendations ?? []);
  const goesOn = now.topK > PAGE && shown.length > 0 && shown.every((one, at) => sameProduct(one, recommendations[at]));
  const cards = recommendations.slice(goesOn ? shown.length : 0).map((one) => cardOf(one, request_id));
  if (!goesOn) return grid.replaceChildren(...cards);
  const asked = document.activeElement === byId("more");
  grid.append(...cards);
  if (asked) cards[0]?.querySelector("a, button")?.focus({ preventScroll: true }); // on to the first new one
}

const sameProduct = (one, other) => one.product.id === other?.product.id;

function showNotice(now, before, handlers) {
  const place = byId("notice");
  if (now.error) {
    if (now.error === before.error) return;
    place.replaceChildren(errorPanel(now, handlers));
    place.scrollIntoView({ block: "nearest" });
  } else if (now.answer?.recommendations.length === 0) {
    const same = now.answer === before.answer && now.blocking === before.blocking && !before.error;
    if (!same) place.replaceChildren(emptyPanel(now, handlers.filter));
  } else {
    stopCountdown();
    place.replaceChildren();
  }
}
