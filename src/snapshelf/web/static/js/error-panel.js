// What stands in the place of the products: a failure with what to do, or filters that let nothing through.

import { el, icon } from "./dom.js";
import { errorDetail, errorWords, waitWords } from "./error-words.js";
import { activeFilters, liftAll } from "./filters.js";

const ACTION_WORDS = { retry: "Try again", choose: "Choose another photo", lift: "Lift the filters" };

let countdown = 0;

/** A failure. `handlers` has `retry`, `choose` and `lift`; one that is to be waited for is retried by itself. */
export function errorPanel(error, handlers) {
  stopCountdown();
  const words = errorWords(error);
  const detail = errorDetail(error);
  const wait = error.waitS === null ? null : waitLine(error.waitS, handlers.retry);
  const buttons = words.actions.map((action, rank) => actionButton(ACTION_WORDS[action], handlers[action], rank === 0));
  return notice(words.icon, words.title, [detail, words.help], [wait], buttons);
}

/** No products. Says which filters keep them out and offers to lift each. */
export function emptyPanel({ answeredFilters, blocking }, onFilters) {
  stopCountdown();
  const active = activeFilters(answeredFilters);
  if (active.length === 0) return notice("picture", "There are no products here yet", [], [], []);
  const toLift = blocking ? active.filter((filter) => blocking.includes(filter.key)) : active;
  const buttons = toLift.map(({ words, without }, rank) =>
    actionButton(`Without “${words}”`, () => onFilters(without), rank === 0),
  );
  if (active.length > 1) buttons.push(actionButton("Lift all filters", () => onFilters(liftAll()), !toLift.length));
  return notice("filter", emptyTitle(active), [emptyReason(active, toLift, blocking)], [], buttons);
}

const quoted = (filters, between = " and ") => filters.map((filter) => `“${filter.words}”`).join(between);

const emptyTitle = (active) =>
  active.length === 1 ? `Nothing here for ${quoted(active)}` : "Nothing fits all of these filters";

function emptyReason(active, toLift, blocking) {
  if (active.length === 1) return "Without this filter there may be something.";
  if (blocking === null) return `You asked for ${quoted(active)}.`;
  if (toLift.length === 0) return `Lifting one of ${quoted(active)} is not enough.`;
  if (toLift.length === 1) return `It is ${quoted(toLift)} that leaves nothing.`;
  return `Without ${quoted(toLift, " or without ")} there are products.`;
}

/** Ends the waiting of a panel that is shown no more. */
export function stopCountdown() {
  clearInterval(countdown);
}

function waitLine(seconds, onDone) {
  let left = seconds;
  // Not a live region: the number would be read out every second.
  const line = el("p", { class: "wait", text: waitWords(left) });
  countdown = setInterval(() => {
    left -= 1;
    if (left > 0) line.textContent = waitWords(left);
    else {
      stopCountdown();
      onDone();
    }
  }, 1000);
  return line;
}

const actionButton = (text, onClick, first) =>
  el("button", { class: first ? "button primary" : "button", type: "button", text, on: { click: onClick } });

function notice(symbol, title, sentences, extra, buttons) {
  const lines = sentences.filter(Boolean).map((text) => el("p", { text }));
  const spoken = el("div", { role: "alert" }, el("h3", { text: title }), ...lines);
  return el("div", { class: "notice" }, icon(symbol), spoken, ...extra, el("div", { class: "actions" }, ...buttons));
}
