// «Is this right?» beside what a photo was taken for. What it really is can be said in a form that is loaded then.

import { byId, el } from "./dom.js";
import { textButton, thumb } from "./feedback.js";
import { text } from "./words.js";

export function createJudgement(feedback) {
  let shown = null;
  return (now, before) => {
    const prediction = now.error || now.like ? null : now.answer?.prediction;
    const key = prediction ? `label ${prediction.label} ${prediction.verdict} ${JSON.stringify(now.box)}` : null;
    const place = byId("judgement");
    place.hidden = key === null;
    const isShown = key === shown?.key && now.photo === shown.photo && "answer" in before;
    if (key === null || isShown) return;
    shown = { key, photo: now.photo };
    place.replaceChildren(control(feedback, key, now));
  };
}

function control(feedback, key, { answer, photo, box, store }) {
  const request_id = answer.request_id;
  let form = null;
  return feedback.control(key, (send, show) => {
    if (form) return [form];
    const open = async () => {
      const { correctionForm } = await import("./correction.js");
      const close = () => {
        form = null;
        show();
      };
      const onSend = async ({ label, withPhoto }) => {
        const left = withPhoto ? await leftPhoto(photo, box) : {};
        form = null;
        send({ request_id, helpful: false, ...(label ? { correct_label: label } : {}), ...left });
      };
      form = correctionForm({ store, onSend, onClose: close });
      show();
    };
    if (answer.prediction.verdict === "unsure") return [textButton("judge.tell", open)]; // nothing was claimed
    return [
      el("p", { class: "quiet small", text: text("judge.question") }),
      thumb(true, text("judge.right"), () => send({ request_id, helpful: true })),
      textButton("judge.wrong", open),
    ];
  });
}

/** The photo as it was sent for the search, and the part of it that was meant. */
async function leftPhoto(photo, box) {
  const { base64Of } = await import("./base64.js");
  return { image_base64: await base64Of(await photo.upload), ...(box ? { box: [box.x, box.y, box.w, box.h] } : {}) };
}
