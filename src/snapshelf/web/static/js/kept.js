// What is put aside on this device for when there is no connection: the store's name, colour and limits, and the
// recently viewed products with their pictures. service-worker.js gives it out where the server can't be reached.

import { safeAddress } from "./dom.js";

const CACHE = "snapshelf-kept";
const STORE = "/api/v1/store";

const absolute = (address) => new URL(address, location.origin).href;
const addressOf = (product) => absolute(`/api/v1/products/${encodeURIComponent(product.id)}`);
const asAnswer = (body) => new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } });

/** Keeps these products with their pictures, and no others. */
export const keepProducts = (products) => quietly((cache) => keepOnly(cache, products));

export const keepStore = (store) => quietly((cache) => cache.put(absolute(STORE), asAnswer(store)));

/** A browser that keeps nothing (private windows, pages without TLS, a full disk) does without. */
async function quietly(act) {
  try {
    await act(await caches.open(CACHE));
  } catch {
    // nothing is kept, then
  }
}

async function keepOnly(cache, products) {
  const pictures = products.map((product) => safeAddress(product.image_url)).filter((address) => isOurs(address));
  const wanted = new Set([absolute(STORE), ...products.map(addressOf), ...pictures]);
  for (const { url } of await cache.keys()) {
    if (!wanted.has(url)) await cache.delete(url, { ignoreVary: true });
  }
  for (const product of products) await cache.put(addressOf(product), asAnswer(product));
  for (const picture of pictures) {
    if (!(await cache.match(picture, { ignoreVary: true }))) await cache.add(picture);
  }
}

const isOurs = (address) => address !== null && new URL(address).origin === location.origin;
