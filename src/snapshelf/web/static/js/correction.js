// «It is really…»: another category, typed or chosen, and the photo left with it if the customer ticks that.

import { el } from "./dom.js";
import { textButton } from "./feedback.js";
import { capitalised, readable } from "./labels.js";
import { text } from "./words.js";

/**
 * @param store its `categories` are offered; `feedback_days` says how long a photo is kept
 * @param onSend takes {label, withPhoto}; `label` may be empty
 */
export function correctionForm({ store, onSend, onClose }) {
  const names = new Map(store.categories.map(({ name }) => [shown(name), name]));
  const options = [...names.keys()].map((name) => el("option", { value: name }));
  const label = el("input", {
    class: "chip", id: "correct-label", list: "correct-labels", maxlength: 300, autocomplete: "off",
    enterkeyhint: "send",
  });
  const photo = el("input", { type: "checkbox", id: "correct-photo" });
  const days = text("feedback.days", { count: store.feedback_days });
  let sent = false; // a photo takes a moment to be made ready
  const send = (event) => {
    event.preventDefault();
    if (sent) return;
    sent = true;
    const said = label.value.trim();
    onSend({ label: names.get(said) ?? said, withPhoto: photo.checked });
  };
  return el(
    "form",
    { class: "correction", on: { submit: send, keydown: (event) => event.key === "Escape" && onClose() } },
    el("label", { for: "correct-label", text: text("correct.label") }),
    label,
    el("datalist", { id: "correct-labels" }, ...options),
    el("label", { class: "check small" }, photo, el("span", { text: text("correct.photo", { days }) })),
    el(
      "div",
      { class: "panel-row" },
      el("button", { class: "button", text: text("correct.send") }),
      textButton("correct.close", onClose),
    ),
  );
}

const shown = (name) => capitalised(readable(name));
