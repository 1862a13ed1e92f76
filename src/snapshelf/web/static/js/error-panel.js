// What stands in the place of the products: a failure with what to do, or filters that let nothing through.

import { el, icon } from "./dom.js";
import { KINDS } from "./error-kinds.js";
import { activeFilters, liftAll } from "./filters.js";
import { readsHeic } from "./photo-input.js";
import { listed, quoted, text } from "./words.js";

let countdown = 0;

/** A failure, and whether this device helped itself. `handlers` has `retry`, `choose` and `lift`; one that is to be waited for is retried by itself. */
export function errorPanel({ error, here }, handlers) {
  stopCountdown();
  const kind = error.kind in KINDS ? error.kind : "broken";
  const { icon: symbol, actions } = KINDS[kind];
  const wait = error.waitS === null ? null : waitLine(error, handlers.retry);
  const buttons = actions.map((action, rank) => actionButton(text(`action.${action}`), handlers[action], rank === 0));
  return notice(symbol, text(`error.${kind}.title`), [error.detail?.(), here ? text("error.here") : helpOf(kind)], [wait], buttons);
}

/** No products. Says which filters keep them out and offers to lift each. */
export function emptyPanel({ answeredFilters, blocking }, onFilters) {
  stopCountdown();
  const active = activeFilters(answeredFilters);
  if (active.length === 0) return notice("picture", text("empty.store"), [], [], []);
  const toLift = blocking ? active.filter((filter) => blocking.includes(filter.key)) : active;
  const buttons = toLift.map(({ words, without }, rank) =>
    actionButton(text("empty.without", { filter: quoted(words) }), () => onFilters(without), rank === 0),
  );
  if (active.length > 1) buttons.push(actionButton(text("empty.lift_all"), () => onFilters(liftAll()), !toLift.length));
  return notice("filter", emptyTitle(active), [emptyReason(active, toLift, blocking)], [], buttons);
}

const named = (filters, type) => listed(filters.map((filter) => quoted(filter.words)), type);

const emptyTitle = (active) =>
  active.length === 1 ? text("empty.one", { filter: named(active) }) : text("empty.several");

function emptyReason(active, toLift, blocking) {
  if (active.length === 1) return text("empty.one_help");
  if (blocking === null) return text("empty.asked", { filters: named(active) });
  if (toLift.length === 0) return text("empty.not_enough", { filters: named(active) });
  if (toLift.length === 1) return text("empty.it_is", { filter: named(toLift) });
  return text("empty.one_of", { filters: named(toLift, "disjunction") });
}

/** What to do. Of kinds of photos HEIC is named where the server reads it. */
function helpOf(kind) {
  return text(kind === "not-a-picture" && readsHeic() ? "error.not-a-picture.help_heic" : `error.${kind}.help`);
}

/** Ends the waiting of a panel that is shown no more. */
export function stopCountdown() {
  clearInterval(countdown);
}

function waitLine(error, onDone) {
  error.dueAt ??= Date.now() + 1000 * error.waitS; // drawn again in another language, it goes on counting
  let left = Math.max(1, Math.ceil((error.dueAt - Date.now()) / 1000));
  // Not a live region: the number would be read out every second.
  const line = el("p", { class: "wait", text: text("error.wait", { count: left }) });
  countdown = setInterval(() => {
    left -= 1;
    if (left > 0) line.textContent = text("error.wait", { count: left });
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
