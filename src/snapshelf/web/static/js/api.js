// The server's JSON API: one function a call, every failure a SearchError.

import { fieldsOf } from "./address.js";
import { text } from "./words.js";

const BASE = "/api/v1";
const DEFAULT_WAIT_S = 10;
/** Kinds of problem that have a sentence of their own. */
const MORE = { "photo-too-many-pixels": "error.too-many-pixels", "photo-broken": "error.broken-photo" };

/** Why a search failed. `kind` chooses the words, `detail` gives a sentence more or is null, `waitS` when to try again. */
export class SearchError extends Error {
  constructor(kind, { detail = null, waitS = null } = {}) {
    super(kind);
    this.kind = kind;
    this.detail = detail;
    this.waitS = waitS;
  }
}

/** The store: name, accent, samples, categories, has_prices, has_stock, has_orders. `server` is the origin to ask. */
export async function fetchStore({ server = "" } = {}) {
  const response = await send(`${server}${BASE}/store`, {});
  return response.json();
}

/** A sample photo's bytes. */
export async function fetchPhoto(address) {
  return (await send(address, {})).blob();
}

/**
 * Search by photo, or by a part of it: `box` is {x, y, w, h} in fractions, or null.
 * `server` is the origin to ask, the page's own where it is not given. Throws SearchError, or AbortError when `signal`
 * says so.
 */
export async function recommend(photo, filters, { topK, box, signal, server = "" }) {
  const form = new FormData();
  form.append("photo", photo, photo.name ?? "photo");
  form.append("top_k", String(topK));
  if (box) form.append("box", [box.x, box.y, box.w, box.h].map((part) => part.toFixed(4)).join(","));
  for (const [name, value] of fieldsOf(filters)) form.append(name, value);
  const response = await send(`${server}${BASE}/recommendations`, { method: "POST", body: form, signal });
  return response.json();
}

/** Products like the one of this id. Throws as `recommend` does. */
export async function recommendLike(productId, filters, { topK, signal }) {
  const query = new URLSearchParams([["like", productId], ["top_k", String(topK)], ...fieldsOf(filters)]);
  const response = await send(`${BASE}/recommendations?${query}`, { signal });
  return response.json();
}

/** What there is to choose from under these filters. */
export async function fetchFacets(filters, { signal } = {}) {
  const query = new URLSearchParams(fieldsOf({ ...filters, text: null }));
  return (await send(`${BASE}/facets?${query}`, { signal })).json();
}

/** One product. */
export async function fetchProduct(productId, { signal } = {}) {
  return (await send(`${BASE}/products/${encodeURIComponent(productId)}`, { signal })).json();
}

/** What was bought with a product: num_orders, bought_together. `inStock` may be null. */
export async function fetchBoughtTogether(productId, { inStock, signal }) {
  const query = inStock === null ? "" : `?in_stock=${inStock}`;
  const response = await send(`${BASE}/products/${encodeURIComponent(productId)}/bought-together${query}`, { signal });
  return response.json();
}

/** What a customer says of an answer. @returns a receipt: {id, undo_token} */
export async function sendFeedback(feedback) {
  const headers = { "Content-Type": "application/json" };
  return (await send(`${BASE}/feedback`, { method: "POST", body: JSON.stringify(feedback), headers })).json();
}

/** Take it back. */
export async function undoFeedback({ id, undo_token }) {
  await send(`${BASE}/feedback/${id}`, { method: "DELETE", headers: { "Undo-Token": undo_token } });
}

async function send(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new SearchError(navigator.onLine ? "unreachable" : "offline");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  const more = MORE[problem.type?.split(":").at(-1)];
  const detail = more ? () => text(more) : null;
  return new SearchError(kindOf(response.status, problem.type), { detail, waitS: waitOf(response) });
}

function kindOf(status, type) {
  if (status === 404) return "gone";
  if (status === 408) return "unreachable"; // the connection was too slow
  if (status === 413) return "too-large";
  if (status === 415) return type?.endsWith(":heic-not-read") ? "heic" : "not-a-picture";
  if (status === 400 || status === 422) return type?.includes("photo") ? "not-a-picture" : "bad-request";
  if (status === 429) return "too-many";
  return status === 503 ? "busy" : "broken";
}

/** Seconds to wait, from Retry-After (seconds or a date); null where waiting is not the answer. */
function waitOf(response) {
  if (response.status !== 429 && response.status !== 503) return null;
  const header = response.headers.get("Retry-After") ?? "";
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : DEFAULT_WAIT_S;
}
