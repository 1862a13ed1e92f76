// Searching: one search at a time, the newest wins, and it starts soon after the last change.

import { NO_FILTERS } from "./address.js";
import { recommend, SearchError } from "./api.js";
import { activeFilters } from "./filters.js";

export const TOP_K = 12;
const SETTLE_MS = 120; // after a change of the filters; searches start within 150 ms of it
const SLOW_MS = 1000; // from here on the page says what takes time

/** What the server would refuse anyway is said at once, without sending it. */
function refusal(blob, store) {
  if (blob.type && !blob.type.startsWith("image/")) return new SearchError("not-a-picture");
  const tooLarge = blob.size > store.max_upload_bytes; // false, too, where the server names no limit
  if (!tooLarge) return null;
  const megabytes = (bytes) => Math.ceil(bytes / 1e6);
  const detail = `It has ${megabytes(blob.size)} MB; at most ${megabytes(store.max_upload_bytes)} MB can be sent here.`;
  return new SearchError("too-large", { detail });
}

/** @param leave called when a first search is given up, to go back to the start */
export function createSearch(state, { leave }) {
  let running = new AbortController();
  let settling = 0;
  let slowness = 0;

  function stop() {
    running.abort();
    clearTimeout(settling);
    clearTimeout(slowness);
  }

  async function run() {
    stop();
    running = new AbortController();
    const { signal } = running;
    const { photo, filters } = state.get();
    slowness = setTimeout(() => state.set({ slow: true }), SLOW_MS);
    state.set({ busy: true, slow: false, error: null, blocking: null });
    try {
      const answer = await recommend(photo.blob, filters, { topK: TOP_K, signal });
      if (signal.aborted) return;
      finish({ answer, answeredFilters: filters });
      if (answer.recommendations.length === 0) await findBlocking(photo, filters, signal);
    } catch (error) {
      if (signal.aborted) return;
      finish({ error: error instanceof SearchError ? error : new SearchError("broken") });
    }
  }

  function finish(outcome) {
    clearTimeout(slowness);
    state.set({ busy: false, slow: false, ...outcome });
  }

  /** Which of several filters keeps everything out: those without which there would be products. */
  async function findBlocking(photo, filters, signal) {
    const active = activeFilters(filters);
    if (active.length < 2) return state.set({ blocking: active.map(({ key }) => key) });
    const ask = ({ without }) => recommend(photo.blob, without, { topK: 1, signal });
    const answers = await Promise.allSettled(active.map(ask));
    if (signal.aborted) return;
    const helps = (outcome) => outcome.status === "fulfilled" && outcome.value.recommendations.length > 0;
    state.set({ blocking: active.filter((_, at) => helps(answers[at])).map((filter) => filter.key) });
  }

  return {
    run,
    stop,
    /** Search with a photo just chosen; it is shown at once. */
    open(blob) {
      const previous = state.get().photo;
      state.set({ photo: { blob, url: URL.createObjectURL(blob) }, open: true, answer: null, error: null });
      if (previous) URL.revokeObjectURL(previous.url);
      const error = refusal(blob, state.get().store);
      if (!error) return run();
      stop();
      return finish({ error });
    },
    /** Search again with other filters, once they have settled. */
    filter(filters) {
      stop();
      state.set({ filters, busy: true, error: null });
      settling = setTimeout(run, SETTLE_MS);
    },
    /** Give the search under way up: back to the last answer, or to the start where there is none. */
    cancel() {
      stop();
      const { answer, answeredFilters } = state.get();
      state.set({ busy: false, slow: false, filters: answer ? answeredFilters : { ...NO_FILTERS } });
      if (!answer) leave();
    },
  };
}
