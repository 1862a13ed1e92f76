// The model and its engine, kept on this device: fetched once, checked, all of them or none. service-worker.js gives
// the engine's script out where there is no connection.

const CACHE = "snapshelf-on-device";
const LIST = "/on-device/kept.json"; // written when all is there, so that a half is never used

/** @returns what is kept, name → {name, url, integrity, num_bytes}; null where nothing is */
export async function keptFiles() {
  try {
    const list = await found(LIST);
    return list ? Object.fromEntries((await list.json()).map((file) => [file.name, file])) : null;
  } catch {
    return null; // a browser that keeps nothing
  }
}

const found = (url) => caches.match(url, { cacheName: CACHE }); // never makes the cache, as opening it would

/** @returns {Promise<Response>} */
export async function keptFile({ url }) {
  const file = await found(url);
  if (!file) throw new Error(`missing: ${url}`);
  return file;
}

/** The files of these that are not kept yet. */
export async function missingFiles(files) {
  const kept = await Promise.all(files.map(({ url }) => found(url)));
  return files.filter((_, at) => !kept[at]);
}

/**
 * Keeps these files, and no others.
 * @param {(share: number) => void} onShare of what is fetched, 0 to 1
 */
export async function keepFiles(files, { signal, onShare }) {
  const cache = await caches.open(CACHE);
  const missing = await missingFiles(files);
  const whole = missing.reduce((sum, { num_bytes }) => sum + num_bytes, 0);
  let fetched = 0;
  const onBytes = (count) => onShare(Math.min(1, (fetched += count) / whole));
  for (const file of missing) await cache.put(file.url, await checked(file, signal, onBytes));
  await cache.put(LIST, new Response(JSON.stringify(files), { headers: { "Content-Type": "application/json" } }));
  const wanted = new Set([LIST, ...files.map(({ url }) => url)]);
  for (const { url } of await cache.keys()) if (!wanted.has(new URL(url).pathname)) await cache.delete(url);
}

export const forgetFiles = () => caches.delete(CACHE);

/** The whole file, if it is the one that was named. */
async function checked({ url, integrity }, signal, onBytes) {
  const answer = await fetch(url, { signal, cache: "no-store" });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const parts = [];
  for (let reader = answer.body.getReader(), part; !(part = await reader.read()).done; ) {
    parts.push(part.value);
    onBytes(part.value.length);
  }
  const content = await new Blob(parts).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  if (`sha256-${btoa(String.fromCharCode(...hash))}` !== integrity) throw new Error(`damaged: ${url}`);
  return new Response(content, { headers: { "Content-Type": answer.headers.get("Content-Type") } });
}
