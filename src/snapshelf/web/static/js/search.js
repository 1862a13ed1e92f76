// Searching: one search at a time, the newest wins, and it starts soon after the last change.

import { NO_FILTERS } from "./address.js";
import { fetchProduct, recommend, recommendLike, SearchError } from "./api.js";
import { activeFilters } from "./filters.js";
import { checkKind, checkSize } from "./photo-checks.js";
import { readsHeic } from "./photo-input.js";
import { shrunk } from "./shrink.js";
import { thumbnailOf } from "./thumbnail.js";

export const PAGE = 12; // products at first, and more at each «Show more»
export const MOST = 96; // the server gives 100 at most
const SETTLE_MS = 120; // after a change; searches start within 150 ms of it
const SLOW_MS = 1000; // from here on the page says what takes time

/** A search that nothing is known of yet. */
export const FRESH = Object.freeze({ answer: null, error: null, here: null, blocking: null, box: null, topK: PAGE });

/** HEIC that neither this browser could make smaller nor the server reads. */
function checkHeic({ type, name = "" }) {
  if (/hei[cf]$/i.test(type || name) && !readsHeic()) throw new SearchError("heic");
}

const foundIn = ({ answer, answeredFilters, box, topK }) => ({ answer, answeredFilters, box, topK });

/** @param leave called when a first search is given up, to go back to where one came from */
export function createSearch(state, { leave }) {
  let running = new AbortController();
  let settling = 0;
  let slowness = 0;
  let shown = null; // the preview's address
  let kept = {}; // what was found for the photo, while products like another are shown

  function stop() {
    running.abort();
    clearTimeout(settling);
    clearTimeout(slowness);
  }

  async function run() {
    stop();
    running = new AbortController();
    const { signal } = running;
    const { filters } = state.get();
    slowness = setTimeout(() => state.set({ slow: true }), SLOW_MS);
    state.set({ busy: true, slow: false, error: null, here: null, blocking: null });
    try {
      const answer = await ask(filters, state.get().topK, signal);
      if (signal.aborted) return;
      finish({ answer, answeredFilters: filters });
      if (answer.recommendations.length === 0) await findBlocking(filters, signal);
    } catch (error) {
      if (signal.aborted) return;
      const failure = error instanceof SearchError ? error : new SearchError("broken");
      const here = await seenHere(failure);
      if (!signal.aborted) finish({ error: failure, here });
    }
  }

  /** What is searched for is a product, or the photo, or a part of it. */
  async function ask(filters, topK, signal) {
    const { like, photo, box, store } = state.get();
    if (like) {
      if (!like.title) state.set({ like: await fetchProduct(like.id, { signal }) });
      return recommendLike(like.id, filters, { topK, signal });
    }
    checkKind(photo.blob);
    const upload = await photo.upload;
    signal.throwIfAborted();
    checkHeic(upload);
    checkSize(upload, store);
    return recommend(upload, filters, { topK, box, signal });
  }

  /** Where nobody answers, what this device itself takes the photo for, if it has what that needs; else null. */
  async function seenHere({ kind }) {
    const { like, photo, box } = state.get();
    if (like || !["offline", "unreachable"].includes(kind)) return null;
    const module = await import("./recognise.js").catch(() => null); // a page that is not kept on this device
    return module ? module.recogniseHere(await photo.upload, box) : null;
  }

  /** What is sent is what is shown: the large photo is decoded once only. */
  function showPreview(small) {
    if (shown) URL.revokeObjectURL(shown);
    shown = URL.createObjectURL(small);
    state.set({ preview: shown });
  }

  function finish(outcome) {
    clearTimeout(slowness);
    state.set({ busy: false, slow: false, ...outcome });
  }

  /** Which of several filters keeps everything out: those without which there would be products. */
  async function findBlocking(filters, signal) {
    const active = activeFilters(filters);
    if (active.length < 2) return state.set({ blocking: active.map(({ key }) => key) });
    const answers = await Promise.allSettled(active.map(({ without }) => ask(without, 1, signal)));
    if (signal.aborted) return;
    const helps = (outcome) => outcome.status === "fulfilled" && outcome.value.recommendations.length > 0;
    state.set({ blocking: active.filter((_, at) => helps(answers[at])).map((filter) => filter.key) });
  }

  const isFirst = (photo) => state.get().photo === photo && !state.get().firstLook && !state.get().preview;

  /** Search again with what changed, once it has settled. */
  function change(part) {
    stop();
    state.set({ topK: PAGE, ...part, busy: true, error: null, here: null });
    settling = setTimeout(run, SETTLE_MS);
  }

  return {
    run,
    stop,
    /** Search with a photo just chosen; it is shown at once. */
    open(blob) {
      kept = {};
      const photo = { blob };
      photo.upload = shrunk(blob, (canvas) => state.get().photo === photo && state.set({ firstLook: canvas }));
      state.set({ ...FRESH, photo, preview: null, firstLook: null, like: null, open: true });
      photo.upload.then((small) => state.get().photo === photo && showPreview(small));
      thumbnailOf(blob).then((canvas) => isFirst(photo) && canvas && state.set({ firstLook: canvas }));
      return run();
    },
    /** Search for products like another: all of it, or {id} alone. */
    openLike(product) {
      if (!state.get().like) kept = foundIn(state.get());
      state.set({ ...FRESH, like: product, open: true });
      return run();
    },
    /** Show the photo again, with what was found for it. */
    reopen() {
      stop();
      const found = state.get().like ? { ...FRESH, ...kept } : {};
      state.set({ ...found, like: null, open: true, busy: false });
      if (!state.get().answer || state.get().answeredFilters !== state.get().filters) run();
    },
    filter: (filters) => change({ filters }),
    /** Search for a part of the photo; null is all of it. */
    crop: (box) => change({ box }),
    more() {
      state.set({ topK: Math.min(state.get().topK + PAGE, MOST), busy: true });
      return run();
    },
    /** Give the search under way up: back to the last answer, or to where one came from if there is none. */
    cancel() {
      stop();
      const { answer, answeredFilters } = state.get();
      state.set({ busy: false, slow: false, filters: answer ? answeredFilters : { ...NO_FILTERS } });
      if (!answer) leave();
    },
  };
}
