// The page without a connection: it is kept on the device, and says when it is on its own.

import { byId } from "./dom.js";
import { OFFLINE } from "./page-words.js";

/** Keeps the page on the device from the first visit on, and says at once when there is no connection. */
export function startOffline() {
  for (const change of ["online", "offline"]) addEventListener(change, showConnection);
  showConnection();
  addEventListener("load", () => navigator.serviceWorker?.register("/service-worker.js").catch(() => {})); // works without
}

function showConnection() {
  byId("offline").textContent = navigator.onLine ? "" : OFFLINE;
}
