// Where the page's parts are put together: state, search, views, address, focus.

import { fitting, NO_FILTERS, readFilters } from "./address.js";
import { fetchFacets, fetchStore } from "./api.js";
import { startCrop } from "./crop.js";
import { byId } from "./dom.js";
import { stopCountdown } from "./error-panel.js";
import { createFacets } from "./facets.js";
import { createFeedback } from "./feedback.js";
import { createFilters, liftAll } from "./filters.js";
import { createJudgement } from "./judgement.js";
import { keepStore } from "./kept.js";
import { offerLanguages, startLanguage } from "./language.js";
import { recognisesHere, showConnection, startOffline } from "./offline.js";
import { headlineOf } from "./panel-texts.js";
import { listenForPhotos } from "./photo-input.js";
import { createPhotoPanel } from "./photo-panel.js";
import { createRecent } from "./recent.js";
import { createResults } from "./results.js";
import { showSamples } from "./samples.js";
import { createSearch, FRESH } from "./search.js";
import { offerShare } from "./share.js";
import { createState } from "./state.js";
import { applyAccent } from "./theme.js";
import { createTogether } from "./together.js";
import { createViews } from "./views.js";
import { text } from "./words.js";

await startLanguage();

const state = createState({
  ...FRESH,
  photo: null,
  preview: null,
  firstLook: null,
  like: null,
  open: false,
  busy: false,
  slow: false,
  filters: readFilters(location.search),
  answeredFilters: { ...NO_FILTERS },
  facets: null,
  store: {
    name: null, categories: [], samples: [], has_prices: false, has_stock: false, has_orders: false,
    max_upload_bytes: Infinity, feedback_days: 90,
  },
});

const search = createSearch(state, { leave: () => views.leave() });
const recent = createRecent(byId("recent"), { onLike: (product) => views.openLike(product) });
const views = createViews(state, search, {
  onStart: () => {
    stopCountdown();
    recent.show();
  },
});
const feedback = createFeedback();
let showFilters = () => {};
let buildFilters = () => {};

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
const showJudgement = createJudgement(feedback);
const showCrop = startCrop({ onBox: search.crop, say });

const showResults = createResults({
  feedback,
  onLike: likeOf,
  onMore: search.more,
  notice: {
    retry,
    choose: () => byId("file-again").click(),
    lift: () => filterFromNotice(liftAll()),
    filter: filterFromNotice,
  },
});

const showTogether = createTogether({ onLike: likeOf });

/** More like a product that is shown: it counts as looked at. */
function likeOf(product) {
  recent.add(product.id);
  views.openLike(product);
}

function draw(now, before) {
  byId("start").hidden = now.open;
  byId("search").hidden = !now.open;
  for (const show of now.open ? [showPanel, showJudgement, showCrop, showResults, showTogether] : []) show(now, before);
  showFilters(now);
}

state.subscribe(draw);

/** All of it anew in another language: what was shown before counts for nothing. */
offerLanguages(() => {
  showStore(state.get().store);
  showConnection();
  recent.show();
  showDevice(state.get().store.on_device);
  buildFilters();
  byId("share-said").textContent = "";
  draw(state.get(), {});
});

state.subscribe((now, before) => {
  if (now.filters !== before.filters) views.update();
  if (now.open !== before.open || now.like?.id !== before.like?.id) {
    byId(now.open ? "headline" : "start-title").focus({ preventScroll: true });
  }
  if (now.photo !== before.photo) feedback.reset();
  if (now.open && (now.photo !== before.photo || (now.like && now.like?.id !== before.like?.id))) scrollTo(0, 0);
  if (now.answer !== before.answer && now.answer?.recommendations.length) announce(now);
  if (now.here !== before.here && now.here) say(headlineOf(now));
});

function announce(now) {
  const { recommendations } = now.answer;
  const verdict = headlineOf(now).replace(/\.$/, "");
  const products = text("results.count", { count: recommendations.length });
  say(text("results.said", { verdict, products, title: recommendations[0].product.title }));
}

/** To those who listen to the page. */
function say(words) {
  byId("live").textContent = words;
}

listenForPhotos({ inputs: [byId("file"), byId("file-again")], veil: byId("veil"), onPhoto: views.openPhoto });
offerCamera();
offerShare(byId("share"), state);
const showDevice = offerDevice(byId("device"));

/** The live camera, where there may be one; its part of the page is loaded when it is asked for. */
function offerCamera() {
  const button = byId("camera-open");
  button.hidden = !navigator.mediaDevices?.getUserMedia;
  button.addEventListener("click", async () => {
    const { openCamera } = await import("./camera.js");
    openCamera({ onPhoto: views.openPhoto, onChoose: () => byId("file").click() });
  });
}

/** What lets this device recognise photos by itself, for an installed page; its part is loaded where it is needed. */
function offerDevice(section) {
  const isInstalled = matchMedia("(display-mode: standalone)").matches || navigator.standalone;
  let offer = null;
  return async (offered) => {
    const mayBe = isInstalled ? offered : await globalThis.caches?.has("snapshelf-on-device");
    if (!offer && !mayBe) return;
    const { createDeviceOffer } = await import("./device-offer.js");
    offer ??= createDeviceOffer(section, { onChange: recognisesHere });
    await offer.show(offered);
  };
}

byId("home").addEventListener("click", (event) => {
  if (!state.get().open || event.metaKey || event.ctrlKey) return;
  event.preventDefault(); // so that the photo is still there on the way back
  views.goToStart();
});

for (const kind of ["click", "auxclick"]) {
  document.addEventListener(kind, (event) => {
    const id = event.target.closest?.("a")?.closest("[data-product-id]")?.dataset.productId;
    if (id) recent.add(id);
  });
}

addEventListener("online", () => state.get().error?.kind === "offline" && search.run());

startOffline();
recent.show();
loadStore().then(views.begin);

async function loadStore() {
  try {
    const store = await fetchStore();
    applyAccent(store.accent);
    keepStore(store);
    showStore(store);
    showDevice(store.on_device);
    state.set({ store, filters: fitting(state.get().filters, store) });
    await offerFilters(store);
  } catch {
    addEventListener("online", loadStore, { once: true }); // searching works without it
  }
}

function showStore(store) {
  if (store.name === null) return; // not known yet
  byId("store-name").textContent = store.name;
  document.title = text("page.title_of", { store: store.name });
  showSamples(navigator.onLine ? store.samples : [], views.openPhoto);
}

async function offerFilters(store) {
  const facets = await fetchFacets(NO_FILTERS);
  buildFilters = () => {
    showFilters = createFilters(store, facets, state, search.filter);
    showFilters(state.get());
  };
  createFacets(state);
  buildFilters();
}
