// The review queue: one remark at a time, decided by button or by key.

import { byId, el, safeAddress } from "../../js/dom.js";
import { capitalised, readable } from "../../js/labels.js";
import { text } from "../../js/words.js";
import { moment } from "./dates.js";
import { fetchFeedback, fetchFeedbackPhoto, fetchProduct, reviewFeedback } from "./staff-api.js";

const PAGE = 50;

export function createReview({ store, attempt, say }) {
  let [items, counts, at] = [[], null, 0];
  let last = null; // the remark whose decision can be taken back
  let deciding = false; // one decision at a time: the next key is meant for the next remark
  let photo = null; // {id, address} of the remark that is shown
  const state = () => byId("review-state").value;

  async function load() {
    const found = await attempt(() => fetchFeedback(state(), { limit: PAGE }));
    if (!found) return;
    [items, counts, at] = [found.feedback, found.counts, 0];
    draw();
  }

  async function alone(action) {
    if (deciding) return;
    deciding = true;
    try {
      await action();
    } finally {
      deciding = false;
    }
  }

  const decide = (review) => alone(async () => {
    const item = items[at];
    const done = item && (await attempt(() => reviewFeedback(item.id, review)));
    if (!done) return;
    last = item;
    items.splice(at, 1);
    count(item.state, -1);
    count(done.state, 1);
    at = Math.min(at, Math.max(items.length - 1, 0));
    say(text(`review.done.${done.label ? "as" : done.state}`, { label: done.label ?? "" }));
    if (items.length === 0 && counts[state()] > 0) await load();
    draw();
    focusRemark();
  });

  const undo = () => alone(async () => {
    if (!last) return;
    const { id, state: before, label } = last;
    const done = await attempt(() => reviewFeedback(id, { state: before, ...(label ? { label } : {}) }));
    if (!done) return;
    last = null;
    say(text("review.undone"));
    await load();
    at = Math.max(0, items.findIndex((item) => item.id === id));
    draw();
    focusRemark();
  });

  const count = (of, change) => {
    if (counts) counts[of] += change;
  };
  const move = (by) => {
    if (!items[at + by]) return;
    at += by;
    draw();
    focusRemark();
  };
  const focusRemark = () => byId("remark-title")?.focus();
  const correct = () => byId("remark-label")?.focus();
  const KEYS = {
    a: () => decide({ state: "accepted" }),
    c: correct,
    r: () => decide({ state: "rejected" }),
    u: undo,
    j: () => move(1),
    k: () => move(-1),
  };

  document.addEventListener("keydown", (event) => {
    const typed = event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
    if (byId("review").hidden || typed || !byId("review-keys").checked) return;
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key.toLowerCase()]) return;
    event.preventDefault();
    KEYS[event.key.toLowerCase()]();
  });
  byId("review-state").addEventListener("change", () => {
    last = null;
    load();
  });

  function draw() {
    if (!counts) return;
    byId("review-count").textContent = String(counts.waiting);
    byId("review-left").textContent = text("review.left", { count: counts[state()] });
    const item = items[at];
    byId("remark").replaceChildren(item ? remark(item) : nothing(), undoRow());
    if (item) showPictures(item);
  }

  const nothing = () => el("p", { class: "notice", id: "remark-title", tabindex: -1, text: text("review.nothing") });

  const undoRow = () => el("p", { class: "panel-row" }, last ? button("review.undo", undo) : null);

  function remark(item) {
    const facts = el(
      "dl",
      {},
      fact("review.taken_for", item.predicted_label && capitalised(readable(item.predicted_label))),
      fact("review.comment", item.comment),
      fact("review.label", item.label && capitalised(readable(item.label))),
      fact("review.when", moment(item.created_at)),
      fact("review.model", item.model_id),
    );
    const place = text("review.place", { count: at + 1, all: items.length });
    return el(
      "article",
      { class: "remark" },
      el("div", { class: "remark-pictures", id: "remark-pictures" }),
      el(
        "div",
        { class: "remark-facts" },
        el("h2", { id: "remark-title", tabindex: -1, text: saying(item) }),
        el("p", { class: "quiet small", text: place }),
        facts,
        decisions(item),
      ),
    );
  }

  function decisions(item) {
    const label = el("input", {
      class: "chip", id: "remark-label", list: "remark-labels", maxlength: 300, autocomplete: "off",
      "aria-label": text("review.really"), placeholder: text("review.really"),
    });
    const options = store.categories.map(({ name }) => el("option", { value: name }));
    const corrected = (event) => {
      event.preventDefault();
      if (label.value.trim()) decide({ state: "accepted", label: label.value.trim() });
      else label.focus();
    };
    return el(
      "div",
      { class: "decisions" },
      el(
        "div",
        { class: "panel-row" },
        item.state === "accepted" ? null : button("review.accept", KEYS.a, "button primary"),
        item.state === "rejected" ? null : button("review.reject", KEYS.r),
        item.state === "waiting" ? null : button("review.wait", () => decide({ state: "waiting" })),
      ),
      el(
        "form",
        { class: "panel-row", on: { submit: corrected } },
        label,
        el("datalist", { id: "remark-labels" }, ...options),
        el("button", { class: "button", text: text("review.correct") }),
      ),
      el(
        "div",
        { class: "panel-row" },
        at > 0 ? button("review.previous", KEYS.k, "text-button") : null,
        at < items.length - 1 ? button("review.next", KEYS.j, "text-button") : null,
      ),
    );
  }

  /** The customer's photo, if it was left, and the product that the remark is about. */
  async function showPictures(item) {
    const isNew = photo?.id !== item.id;
    const blob = isNew && item.has_photo ? await attempt(() => fetchFeedbackPhoto(item.id)) : null;
    const product = item.product_id ? await fetchProduct(item.product_id).catch(() => null) : null;
    if (items[at] !== item) return; // another one is shown by now
    if (isNew) {
      if (photo) URL.revokeObjectURL(photo.address);
      photo = blob ? { id: item.id, address: URL.createObjectURL(blob) } : null;
    }
    const shown = photo ? picture(photo.address) : el("p", { class: "quiet", text: text("review.no_photo") });
    byId("remark-pictures")?.replaceChildren(shown, ...(product ? [productFigure(product)] : []));
  }

  return { open: load, draw, close: () => say("") };
}

function saying(item) {
  if (item.correct_label) return text("review.it_is", { label: item.correct_label });
  const about = item.product_id ? "product" : "label";
  if (item.helpful === null) return text("review.only_comment");
  return text(`review.${about}.${item.helpful ? "right" : "wrong"}`);
}

const fact = (key, value) =>
  value ? el("div", {}, el("dt", { text: text(key) }), el("dd", {}, el("bdi", { text: value }))) : null;

const button = (key, act, look = "button") =>
  el("button", { class: look, type: "button", text: text(key), on: { click: act } });

const picture = (src) => el("figure", { class: "photo" }, el("img", { src, alt: text("review.photo") }));

function productFigure(product) {
  const src = safeAddress(product.image_url);
  return el(
    "figure",
    { class: "remark-product" },
    src ? el("img", { src, alt: "" }) : null,
    el("figcaption", { class: "small" }, el("bdi", { text: product.title })),
  );
}
