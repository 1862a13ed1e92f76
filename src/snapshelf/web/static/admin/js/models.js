// The store's models side by side, and the choice among them.

import { byId, el } from "../../js/dom.js";
import { exactShare } from "../../js/format.js";
import { text } from "../../js/words.js";
import { moment } from "./dates.js";
import { fetchModels, useModel } from "./staff-api.js";

const LOOK_EVERY_MS = 700;

export function createModels({ attempt, say }) {
  let models = [];
  let looking = 0;

  async function load() {
    models = (await attempt(fetchModels)) ?? models;
    draw();
    watch();
  }

  async function use(model) {
    const now = await attempt(() => useModel(model.id));
    if (!now) return;
    models = now;
    say(text("models.opening", { id: model.id }));
    draw();
    watch();
  }

  /** Until the server answers with what was chosen. */
  function watch() {
    clearTimeout(looking);
    if (!models.some((model) => model.state === "chosen")) return;
    looking = setTimeout(async () => {
      models = (await attempt(fetchModels)) ?? models;
      const serving = models.find((model) => model.state === "serving");
      const isOpened = !models.some((model) => model.state === "chosen");
      if (serving && isOpened) say(text("models.serving_now", { id: serving.id }));
      draw();
      watch();
    }, LOOK_EVERY_MS);
  }

  function draw() {
    const focused = document.activeElement?.closest?.("[data-model]")?.dataset.model;
    const current = models.findIndex((model) => model.state === "serving");
    byId("models-cards").replaceChildren(...models.map((model, at) => card(model, at > current && current >= 0)));
    if (focused) document.querySelector(`[data-model="${CSS.escape(focused)}"] :is(button, h2)`)?.focus();
  }

  function card(model, isOlder) {
    const scores = [
      ["models.accuracy", percent(model.accuracy)],
      ["models.macro_f1", percent(model.macro_f1)],
      ["models.ece", percent(model.ece)],
    ];
    const facts = [
      ["models.made", moment(model.created_at)],
      ["models.backbone", `${model.backbone}, ${model.recipe}`],
      ["models.data", dataOf(model)],
    ];
    const item = el(
      "li",
      { class: `model ${model.state}` },
      el("h2", { tabindex: -1 }, el("bdi", { text: model.id })),
      el("p", { class: "model-state", text: text(`models.state.${model.state}`) }),
      el("dl", { class: "scores" }, ...scores.map(pair)),
      el("dl", {}, ...facts.map(pair)),
      beside(model),
      choice(model, isOlder),
    );
    item.dataset.model = model.id;
    return item;
  }

  function beside({ shadow }) {
    if (!shadow) return null;
    const { num_photos, agreement, mean_difference } = shadow;
    const values = { photos: num_photos, same: exactShare(agreement), difference: exactShare(mean_difference) };
    return el("p", { class: "small", text: text("models.shadow", values) });
  }

  function choice(model, isOlder) {
    if (model.state !== "ready") return null;
    if (!model.has_index) return el("p", { class: "quiet small", text: text("models.no_index", { id: model.id }) });
    const words = text(isOlder ? "models.roll_back" : "models.use");
    return el("button", { class: "button", type: "button", text: words, on: { click: () => use(model) } });
  }

  return { open: load, draw, close: () => clearTimeout(looking) };
}

const pair = ([key, value]) => el("div", {}, el("dt", { text: text(key) }), el("dd", { text: value }));

const percent = (score) => (typeof score === "number" ? exactShare(score) : "–");


function dataOf({ num_classes, num_photos, dataset_id }) {
  if (!dataset_id) return text("models.no_data");
  return text("models.data_of", { classes: num_classes, photos: num_photos ?? "–", id: dataset_id });
}
