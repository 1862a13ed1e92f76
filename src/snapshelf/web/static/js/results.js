// The products' side of the page: skeleton, cards, nothing found, or what went wrong.

import { card, skeletonCard } from "./cards.js";
import { byId } from "./dom.js";
import { emptyPanel, errorPanel, stopCountdown } from "./error-panel.js";
import { TOP_K } from "./search.js";
import { resultsTitle } from "./verdict.js";
import { countOf } from "./words.js";

/** @param handlers retry, choose, lift, filter (with filters); `feedback` makes the cards' «Not helpful» */
export function createResults(feedback, handlers) {
  return (now, before) => {
    byId("grid").setAttribute("aria-busy", String(now.busy));
    byId("results").dataset.stale = String(now.busy && now.answer !== null);
    byId("filters").classList.toggle("aside", now.error !== null && now.answer === null);
    showHead(now);
    showNotice(now, before, handlers);
    showGrid(now, before, feedback);
  };
}

function showHead({ answer, error }) {
  const count = answer?.recommendations.length;
  document.querySelector(".results-head").hidden = error !== null || count === 0;
  byId("results-title").textContent = resultsTitle(answer?.prediction);
  byId("results-count").textContent = answer ? countOf(count, "product") : "";
}

function showGrid(now, before, feedback) {
  if (now.answer === before.answer && now.error === before.error && now.busy === before.busy) return;
  const grid = byId("grid");
  if (now.error) grid.replaceChildren();
  else if (now.answer === null) grid.replaceChildren(...(now.busy ? Array.from({ length: TOP_K }, skeletonCard) : []));
  else if (now.answer !== before.answer || before.error) grid.replaceChildren(...cards(now.answer, feedback));
}

const cards = ({ recommendations, request_id }, feedback) =>
  recommendations.map((one) => card(one, feedback.control(request_id, one.product)));

function showNotice(now, before, handlers) {
  const place = byId("notice");
  if (now.error) {
    if (now.error === before.error) return;
    place.replaceChildren(errorPanel(now.error, handlers));
    place.scrollIntoView({ block: "nearest" });
  } else if (now.answer?.recommendations.length === 0) {
    const same = now.answer === before.answer && now.blocking === before.blocking && !before.error;
    if (!same) place.replaceChildren(emptyPanel(now, handlers.filter));
  } else {
    stopCountdown();
    place.replaceChildren();
  }
}
