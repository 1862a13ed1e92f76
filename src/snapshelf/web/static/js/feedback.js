// «Not helpful» on a card: thanked in place, and sent only when the time to undo has passed.

import { el, icon } from "./dom.js";
import { text } from "./words.js";

const UNDO_MS = 6000;

/** @param send takes {request_id, product_id, helpful} and returns a promise */
export function createFeedback(send) {
  const given = new Map(); // product id → "waiting" | "sent" | "failed", for this photo
  const waiting = new Map(); // product id → what sends it at once

  function give(requestId, product, show) {
    const deliver = async () => {
      clearTimeout(timer);
      waiting.delete(product.id);
      given.set(product.id, "sent");
      const feedback = { request_id: requestId, product_id: product.id, helpful: false };
      await send(feedback).catch(() => given.set(product.id, "failed"));
      show();
    };
    const timer = setTimeout(deliver, UNDO_MS);
    given.set(product.id, "waiting");
    waiting.set(product.id, { deliver, timer });
  }

  function undo(product) {
    clearTimeout(waiting.get(product.id)?.timer);
    waiting.delete(product.id);
    given.delete(product.id);
  }

  return {
    /** The element for one product's card. */
    control(requestId, product) {
      const root = el("div", { class: "feedback" });
      const show = () => {
        const hadFocus = root.contains(document.activeElement);
        root.replaceChildren(...parts());
        if (hadFocus) (root.querySelector("button") ?? root.querySelector("[tabindex]"))?.focus();
      };
      const act = (action) => () => {
        action();
        show();
      };
      const parts = () => {
        const giveNow = act(() => give(requestId, product, show));
        switch (given.get(product.id)) {
          case undefined:
            return [thumbButton(product, giveNow)];
          case "waiting":
            return [thanks("feedback.thanks"), textButton("feedback.undo", act(() => undo(product)))];
          case "failed":
            return [thanks("feedback.not_sent"), textButton("feedback.retry", giveNow)];
          default:
            return [thanks("feedback.thanks")];
        }
      };
      show();
      return root;
    },
    /** A new photo: nothing has been said of its answers. What waits is sent. */
    reset() {
      this.flush();
      given.clear();
    },
    /** Send what waits, before the page goes. */
    flush() {
      for (const { deliver } of [...waiting.values()]) deliver();
    },
  };
}

function thumbButton(product, onClick) {
  const name = el("span", { class: "visually-hidden", text: text("feedback.not_helpful", { title: product.title }) });
  return el("button", { class: "icon-button", type: "button", on: { click: onClick } }, icon("thumb-down"), name);
}

const thanks = (key) => el("p", { class: "thanks", role: "status", tabindex: -1, text: text(key) });

const textButton = (key, onClick) =>
  el("button", { class: "text-button", type: "button", text: text(key), on: { click: onClick } });
