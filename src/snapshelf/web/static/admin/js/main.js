// The staff's page: who signs in, which room is shown, and what went wrong.

import { fetchStore } from "../../js/api.js";
import { byId } from "../../js/dom.js";
import { offerLanguages, startLanguage } from "../../js/language.js";
import { applyAccent } from "../../js/theme.js";
import { text } from "../../js/words.js";
import { faultOf } from "./faults.js";
import { createHealth } from "./health.js";
import { createModels } from "./models.js";
import { createProducts } from "./products.js";
import { createReview } from "./review.js";
import { fetchFeedback, useKey } from "./staff-api.js";

await startLanguage(["/static/words", "/static/admin/words"]);

const store = { categories: [] };
const page = { store, attempt, say };
const rooms = {
  review: createReview(page),
  products: createProducts(page),
  models: createModels(page),
  health: createHealth(page),
};
let shown = null;

byId("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("key");
  useKey(field.value);
  byId("sign-in-fault").textContent = "";
  try {
    await fetchFeedback("waiting", { limit: 1 });
  } catch (error) {
    byId("sign-in-fault").textContent = faultOf(error);
    field.select();
    return;
  }
  field.value = "";
  byId("sign-in").hidden = true;
  byId("rooms").hidden = false;
  await loadStore();
  enter();
});

byId("sign-out").addEventListener("click", () => location.reload()); // nothing that was shown stays
byId("key").focus();

addEventListener("hashchange", () => !byId("rooms").hidden && enter());
addEventListener("pagehide", leave);
offerLanguages(() => rooms[shown]?.draw());

/** The room that the address names, the first one if it names none. */
function enter() {
  const wanted = location.hash.slice(1);
  leave();
  shown = Object.hasOwn(rooms, wanted) ? wanted : "review";
  say("");
  for (const name of Object.keys(rooms)) {
    byId(name).hidden = name !== shown;
    const link = document.querySelector(`.rooms a[href="#${name}"]`);
    link.classList.toggle("chosen", name === shown);
    if (name === shown) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  byId(`${shown}-title`).focus({ preventScroll: true });
  rooms[shown].open();
}

function leave() {
  rooms[shown]?.close();
  shown = null;
}

async function loadStore() {
  try {
    Object.assign(store, await fetchStore());
    applyAccent(store.accent);
  } catch {
    // its colour and its categories to choose from are missing, no more
  }
}

/** What `action` gives; where it fails, why is said and undefined is given. */
async function attempt(action) {
  byId("fault").textContent = "";
  try {
    return await action();
  } catch (error) {
    byId("fault").textContent = faultOf(error);
    return undefined;
  }
}

function say(words) {
  byId("said").textContent = words;
}
