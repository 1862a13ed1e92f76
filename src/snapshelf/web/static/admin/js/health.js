// How the server does: the last hour at most, as small charts that are drawn anew every ten seconds.

import { byId, el } from "../../js/dom.js";
import { text } from "../../js/words.js";
import { chart } from "./chart.js";
import { time } from "./dates.js";
import { fetchHealth } from "./staff-api.js";

const LEAST_STEPS = 60; // a server that has just started has a chart of ten minutes
const STAGES = ["wait", "decode", "encode", "search"];
const MOST_DRIFTS = 4; // as many lines as a chart tells apart
const VERDICTS = ["confident", "likely", "unsure", "unknown"];

export function createHealth({ attempt }) {
  let health = null;
  let looking = 0;

  async function load() {
    clearTimeout(looking);
    const found = await attempt(fetchHealth);
    if (byId("health").hidden) return;
    health = found ?? health;
    draw();
    looking = setTimeout(load, (health?.step_s ?? 10) * 1000);
  }

  function draw() {
    if (!health) return;
    const { moments, step_s } = health;
    if (moments.length === 0) {
      byId("charts").replaceChildren(el("p", { class: "notice", text: text("health.nothing") }));
      return;
    }
    const slots = Math.max(moments.length, LEAST_STEPS);
    const ended = new Date(moments.at(-1).at);
    const span = { slots, from: time(ended - (slots - 1) * step_s * 1000), to: time(ended) };
    const perMinute = 60 / step_s;
    const counted = (group, name) => moments.map((moment) => (moment[group][name] ?? 0) * perMinute);
    const kinds = [...new Set(moments.flatMap(({ refusals }) => Object.keys(refusals)))].sort();
    const lines = {
      "health.requests": [
        line("health.answered", moments.map(({ requests }) => requests * perMinute)),
        line("health.failures", moments.map(({ failures }) => failures * perMinute)),
      ],
      "health.latency": STAGES.map((stage) =>
        line(`health.stage.${stage}`, moments.map(({ stages }) => stages[stage]?.p95_ms ?? null)),
      ),
      "health.verdicts": VERDICTS.map((verdict) => line(`health.verdict.${verdict}`, counted("verdicts", verdict))),
      "health.refusals": kinds.map((kind) => ({ name: kind, values: counted("refusals", kind) })),
      "health.load": [
        line("health.in_flight", moments.map(({ in_flight }) => in_flight)),
        line("health.waiting", moments.map(({ waiting }) => waiting)),
      ],
      "health.drift": furthest(moments.at(-1).drift).map((name) =>
        line(`health.drift.${name}`, moments.map(({ drift }) => drift[name] ?? null)),
      ),
    };
    byId("charts").replaceChildren(...Object.entries(lines).map(([key, series]) => chart(key, series, span)));
  }

  return { open: load, draw, close: () => clearTimeout(looking) };
}

/** The quantities that are the furthest from the usual now. */
const furthest = (drift) =>
  Object.keys(drift).sort((one, other) => drift[other] - drift[one]).slice(0, MOST_DRIFTS);

const line = (key, values) => ({ name: text(key), values });
