// What a photo shows, said by this device itself, where it has the model for it. The worker is started when it is needed.

import { keptFiles } from "./on-device-files.js";

let worker = null;
let asked = 0;
const waiting = new Map(); // id → what takes the answer

/**
 * @param {Blob} photo
 * @param {{x: number, y: number, w: number, h: number} | null} box
 * @returns a prediction as the server's; null where this device can't
 */
export async function recogniseHere(photo, box) {
  if (!(await keptFiles())) return null;
  worker ??= started();
  const id = (asked += 1);
  const answer = new Promise((resolve) => waiting.set(id, resolve));
  worker.postMessage({ id, photo, box });
  return answer;
}

function started() {
  const begun = new Worker("/static/js/on-device-worker.js", { type: "module" });
  begun.addEventListener("message", ({ data: { id, prediction } }) => {
    waiting.get(id)?.(prediction ?? null);
    waiting.delete(id);
  });
  begun.addEventListener("error", () => {
    worker = null; // its script could not be loaded
    for (const resolve of waiting.values()) resolve(null);
    waiting.clear();
  });
  return begun;
}
