// Keeps the page on the device, so that it opens without a connection. The server writes a line before this text:
// SHELL, with the `version` of the page, the header that pages carry it in, and its `files`, address → integrity.
//
// The page and all of its modules come from one cache, which is filled whole or not at all, so old and new ones are
// never mixed. Another version waits beside it until no page of the old one is open, or the only one is loaded anew.
// Searches are never kept; what kept.js put aside (the store, recently viewed products) is given where nobody answers.

const CACHE_NAMES = "snapshelf-shell-";
const CACHE = CACHE_NAMES + SHELL.version;
const KEPT = "snapshelf-kept";
const KEPT_PATHS = /^\/api\/v1\/(store$|products\/.)/;
const ON_DEVICE = "snapshelf-on-device"; // on-device-files.js fills it
const PAGE = "/";
const PRIVACY = "/privacy";

addEventListener("install", (event) => event.waitUntil(fill()));
addEventListener("activate", (event) => event.waitUntil(removeOld()));
addEventListener("message", (event) => event.data === "take over" && event.waitUntil(skipWaiting()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (pathname === PAGE) event.respondWith(page(request));
    if (pathname === PRIVACY) event.respondWith(networkFirst(request, PRIVACY)); // in the language it is asked for in
  } else if (Object.hasOwn(SHELL.files, pathname)) {
    event.respondWith(partOf(event, pathname));
  } else if (pathname.startsWith("/on-device/")) {
    event.respondWith(onDevice(request));
  } else if (KEPT_PATHS.test(pathname)) {
    event.respondWith(fetch(request).catch(() => keptFor(request)));
  }
});

/** Everything is fetched past the browser's own cache and must be the very one that belongs to this version. */
async function fill() {
  const cache = await caches.open(CACHE);
  try {
    await Promise.all([
      ...[PAGE, PRIVACY].map(async (address) => cache.put(address, await fetchedPage(address))),
      ...Object.entries(SHELL.files).map(async (file) => cache.put(file[0], await fetchedFile(...file))),
    ]);
  } catch (error) {
    await caches.delete(CACHE);
    throw error; // this version is not installed; the browser tries again at a later visit
  }
}

async function fetchedPage(address) {
  const answer = await fetch(address, { cache: "reload" });
  if (answer.ok && answer.headers.get(SHELL.versionHeader) === SHELL.version) return answer;
  throw new Error(`${address} is of another version`);
}

async function fetchedFile(address, integrity) {
  const answer = await fetch(address, { cache: "no-cache", integrity });
  if (answer.ok) return answer;
  throw new Error(`${address}: ${answer.status}`);
}

async function removeOld() {
  const old = (await caches.keys()).filter((name) => name.startsWith(CACHE_NAMES) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

const inShell = async (pathname) => (await caches.open(CACHE)).match(pathname, { ignoreVary: true });

const networkFirst = (request, pathname) => fetch(request).catch(async () => (await inShell(pathname)) ?? Response.error());

async function page(request) {
  if (registration.waiting && (await clients.matchAll()).length < 2) {
    registration.waiting.postMessage("take over");
    return new Response("", { headers: { "Content-Type": "text/html", Refresh: "0" } }); // once more, by the new one
  }
  return (await inShell(PAGE)) ?? fetch(request);
}

/** A module, style or text: the page gets what belongs to it, other pages (the staff's, say) what the server has. */
async function partOf({ request, clientId }, pathname) {
  const client = await clients.get(clientId);
  if (client?.type === "window" && new URL(client.url).pathname !== PAGE) return networkFirst(request, pathname);
  return (await inShell(pathname)) ?? fetch(request);
}

const onDevice = async (request) => (await caches.match(request, { cacheName: ON_DEVICE })) ?? fetch(request);

/** Pictures are kept in one size, which stands for the others. */
async function keptFor(request) {
  const cache = await caches.open(KEPT);
  return (await cache.match(request, { ignoreSearch: true, ignoreVary: true })) ?? Response.error();
}
