// Keeps the page on the device, so that it opens without a connection. The server writes a line before this text:
// SHELL, with the `version` of the page and its `files`, address → integrity.
//
// A page and all of its modules come from one cache, which is filled whole or not at all, so old and new ones are never
// mixed. Another version waits beside it until no page of the old one is open, or until the only one is loaded anew.
// Searches are never kept; what kept.js put aside (the store, recently viewed products) is given where nobody answers.

const CACHE_NAMES = "snapshelf-shell-";
const CACHE = CACHE_NAMES + SHELL.version;
const KEPT = "snapshelf-kept";
const KEPT_PATHS = /^\/api\/v1\/(store$|products\/.)/;
const PAGES = ["/", "/privacy"];

addEventListener("install", (event) => event.waitUntil(fill()));
addEventListener("activate", (event) => event.waitUntil(removeOld()));
addEventListener("message", (event) => event.data === "take over" && event.waitUntil(skipWaiting()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (PAGES.includes(pathname)) event.respondWith(pageAt(pathname, request));
  } else if (Object.hasOwn(SHELL.files, pathname)) {
    event.respondWith(partOf(event, pathname));
  } else if (KEPT_PATHS.test(pathname)) {
    event.respondWith(fetch(request).catch(() => keptFor(request)));
  }
});

/** Every file is fetched past the browser's own cache and must be the very one that belongs to this version. */
async function fill() {
  const cache = await caches.open(CACHE);
  try {
    await Promise.all(
      Object.entries(SHELL.files).map(async ([address, integrity]) => {
        const answer = await fetch(address, { cache: "no-cache", integrity });
        if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
        await cache.put(address, answer);
      }),
    );
  } catch (error) {
    await caches.delete(CACHE);
    throw error; // this version is not installed; the browser tries again at a later visit
  }
}

async function removeOld() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(CACHE_NAMES) && name !== CACHE).map((name) => caches.delete(name)));
}

const inShell = async (pathname) => (await caches.open(CACHE)).match(pathname, { ignoreVary: true });

async function pageAt(pathname, request) {
  if (registration.waiting && (await clients.matchAll()).length < 2) {
    registration.waiting.postMessage("take over");
    return new Response("", { headers: { "Content-Type": "text/html", Refresh: "0" } }); // once more, by the new one
  }
  return (await inShell(pathname)) ?? fetch(request);
}

/** A module or style: kept for the pages of this shell, fetched for others (the staff's, say), which are not kept. */
async function partOf({ request, clientId }, pathname) {
  const client = await clients.get(clientId);
  const isOthers = client?.type === "window" && !PAGES.includes(new URL(client.url).pathname);
  return (isOthers ? null : await inShell(pathname)) ?? fetch(request);
}

/** Pictures are kept in one size, which stands for the others. */
async function keptFor(request) {
  const cache = await caches.open(KEPT);
  return (await cache.match(request, { ignoreSearch: true, ignoreVary: true })) ?? Response.error();
}
