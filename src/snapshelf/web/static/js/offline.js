// The page without a connection: it is kept on the device, and says when it is on its own.

import { byId } from "./dom.js";
import { text } from "./words.js";

let isSeenHere = false;

/** Keeps the page on the device from the first visit on, and says at once when there is no connection. */
export function startOffline() {
  for (const change of ["online", "offline"]) addEventListener(change, showConnection);
  showConnection();
  if (document.readyState === "complete") keepPage();
  else addEventListener("load", keepPage); // it is of no use before the next visit
}

function keepPage() {
  navigator.serviceWorker?.register("/service-worker.js").catch(() => {}); // the page works without
}

/** Again in another language, too. */
export function showConnection() {
  byId("offline").textContent = navigator.onLine ? "" : text(isSeenHere ? "offline.said_here" : "offline.said");
}

/** Whether this device can recognise photos by itself. */
export function recognisesHere(isSo) {
  isSeenHere = isSo;
  showConnection();
}
