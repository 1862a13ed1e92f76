// What customers say of a product or of what a photo was taken for: thanked in place, and taken back for some seconds.

import { sendFeedback, undoFeedback } from "./api.js";
import { el, icon } from "./dom.js";
import { text } from "./words.js";

const UNDO_MS = 6000;

/** What was said of this photo's answers stays, whatever is drawn anew, until `reset`. */
export function createFeedback() {
  let given = new Map(); // key → {receipt, state: "undoable" | "thanked" | "failed"}

  function give(key, said, show) {
    const remark = { receipt: sendFeedback(said), state: "undoable" };
    const becomes = (state) => {
      remark.state = state;
      show();
    };
    const timer = setTimeout(() => remark.state === "undoable" && becomes("thanked"), UNDO_MS);
    remark.receipt.catch(() => {
      clearTimeout(timer);
      becomes("failed");
    });
    given.set(key, remark);
    show();
  }

  async function takeBack(key, show) {
    const remark = given.get(key);
    given.delete(key);
    show();
    try {
      await undoFeedback(await remark.receipt);
    } catch {
      given.set(key, remark); // it is still there
      show();
    }
  }

  return {
    /**
     * An element with the ways to say something, or with thanks once it was said.
     * @param key what it is about: said once
     * @param choices takes a function that sends feedback, and one that draws anew; returns elements
     */
    control(key, choices) {
      const root = el("div", { class: "feedback" });
      const send = (said) => give(key, said, show);
      const parts = () => {
        switch (given.get(key)?.state) {
          case undefined:
            return choices(send, show);
          case "undoable":
            return [thanks("feedback.thanks"), textButton("feedback.undo", () => takeBack(key, show))];
          case "failed":
            return [thanks("feedback.not_sent"), textButton("feedback.retry", () => {
              given.delete(key);
              show();
            })];
          default:
            return [thanks("feedback.thanks")];
        }
      };
      function show() {
        const hadFocus = root.contains(document.activeElement);
        root.replaceChildren(...parts());
        if (hadFocus) (root.querySelector("input, button") ?? root.querySelector("[tabindex]"))?.focus();
      }
      show();
      return root;
    },
    /** A new photo: nothing has been said of its answers. */
    reset() {
      given = new Map();
    },
  };
}

/** «Helpful» and «Not helpful» on a product's card. */
export const productFeedback = (feedback, requestId, product) =>
  feedback.control(`product ${product.id}`, (send) =>
    [true, false].map((helpful) =>
      thumb(helpful, text(helpful ? "feedback.helpful" : "feedback.not_helpful", { title: product.title }), () =>
        send({ request_id: requestId, product_id: product.id, helpful }),
      ),
    ),
  );

/** A thumb, up or down. */
export function thumb(up, name, onClick) {
  const look = { class: up ? "icon-button up" : "icon-button", type: "button", on: { click: onClick } };
  return el("button", look, icon("thumb-down"), el("span", { class: "visually-hidden", text: name }));
}

const thanks = (key) => el("p", { class: "thanks", role: "status", tabindex: -1, text: text(key) });

export const textButton = (key, onClick) =>
  el("button", { class: "text-button", type: "button", text: text(key), on: { click: onClick } });
