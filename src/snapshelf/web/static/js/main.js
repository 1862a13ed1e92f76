// Where the page's parts are put together: state, search, views, address, focus.

import { addressOf, fitting, NO_FILTERS, readFilters } from "./address.js";
import { fetchStore, sendFeedback } from "./api.js";
import { byId } from "./dom.js";
import { stopCountdown } from "./error-panel.js";
import { createFeedback } from "./feedback.js";
import { createFilters, liftAll } from "./filters.js";
import { listenForPhotos } from "./photo-input.js";
import { createPhotoPanel } from "./photo-panel.js";
import { createResults } from "./results.js";
import { showSamples } from "./samples.js";
import { createSearch } from "./search.js";
import { createState } from "./state.js";
import { applyAccent } from "./theme.js";
import { createTogether } from "./together.js";
import { headline } from "./verdict.js";
import { countOf } from "./words.js";

const state = createState({
  photo: null,
  open: false,
  busy: false,
  slow: false,
  filters: readFilters(location.search),
  answer: null,
  answeredFilters: { ...NO_FILTERS },
  blocking: null,
  error: null,
  store: {
    name: null, categories: [], samples: [], has_prices: false, has_stock: false, has_orders: false,
    max_upload_bytes: Infinity,
  },
});

const search = createSearch(state, { leave: () => history.back() });
const feedback = createFeedback(sendFeedback);
let showFilters = () => {};

/** A notice goes away when the search starts anew; if focus was on its button, it moves to the headline. */
function leaveNotice() {
  if (byId("notice").contains(document.activeElement)) byId("headline").focus();
}

function filterFromNotice(filters) {
  leaveNotice();
  search.filter(filters);
}

function retry() {
  leaveNotice();
  search.run();
}

const showPanel = createPhotoPanel({
  onCancel: () => {
    byId("headline").focus();
    search.cancel();
  },
  onGuess: (label) => {
    const { filters } = state.get();
    search.filter({ ...filters, category: filters.category === label ? null : label });
  },
});

const showResults = createResults(feedback, {
  retry,
  choose: () => byId("file-again").click(),
  lift: () => filterFromNotice(liftAll()),
  filter: filterFromNotice,
});

const showTogether = createTogether();

state.subscribe((now, before) => {
  byId("start").hidden = now.open;
  byId("search").hidden = !now.open;
  if (now.open) showPanel(now, before);
  if (now.open) showResults(now, before);
  if (now.open) showTogether(now, before);
  showFilters(now.filters);
});

state.subscribe((now, before) => {
  if (now.open && !before.open && history.state?.open !== true) history.pushState({ open: true }, "");
  if (now.filters !== before.filters) history.replaceState(history.state, "", addressOf(now.filters, location));
  if (now.open !== before.open) byId(now.open ? "headline" : "start-title").focus({ preventScroll: true });
  if (now.photo !== before.photo) {
    feedback.reset();
    scrollTo(0, 0);
  }
  if (now.answer !== before.answer && now.answer?.recommendations.length) announce(now.answer);
});

function announce({ prediction, recommendations }) {
  const verdict = headline(prediction).replace(/\.$/, "");
  const products = `${countOf(recommendations.length, "product")}, first: ${recommendations[0].product.title}`;
  byId("live").textContent = `${verdict}. ${products}`;
}

listenForPhotos({ inputs: [byId("file"), byId("file-again")], veil: byId("veil"), onPhoto: search.open });

byId("home").addEventListener("click", (event) => {
  if (!state.get().open || event.metaKey || event.ctrlKey) return;
  event.preventDefault(); // so that the photo is still there on the way forward
  history.back();
});

addEventListener("popstate", (event) => {
  const { photo, answer } = state.get();
  const open = event.state?.open === true && photo !== null;
  if (!open) {
    search.stop();
    stopCountdown();
  }
  state.set({ open, busy: false });
  if (open && !answer) search.run();
});
addEventListener("online", () => state.get().error?.kind === "offline" && search.run());
addEventListener("pagehide", () => feedback.flush());

history.replaceState(null, ""); // after a reload the photo is gone, and with it what was open
loadStore();

async function loadStore() {
  try {
    const store = await fetchStore();
    applyAccent(store.accent);
    byId("store-name").textContent = store.name;
    document.title = `${store.name}: find it with a photo`;
    showSamples(store.samples, search.open);
    showFilters = createFilters(store, state, search.filter);
    state.set({ store, filters: fitting(state.get().filters, store) });
  } catch {
    addEventListener("online", loadStore, { once: true }); // searching works without it
  }
}
