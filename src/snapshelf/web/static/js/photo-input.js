// The ways a photo comes in: the file buttons (with the camera on phones), drop and paste.

import { byId } from "./dom.js";

/** Calls `onPhoto(file)` for every photo that is chosen, dropped anywhere, or pasted. */
export function listenForPhotos({ inputs, veil, onPhoto }) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      take(input.files, onPhoto);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  document.addEventListener("paste", (event) => {
    if (take(event.clipboardData?.files, onPhoto)) event.preventDefault();
  });
  listenForDrops(veil, onPhoto);
}

/** Whether the server reads HEIC: only then the file pickers offer it. */
export const readsHeic = () => byId("file").accept.includes("heic");

function listenForDrops(veil, onPhoto) {
  let depth = 0; // dragenter and dragleave come for every element on the way
  const on = (name, handler) =>
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      handler(event);
      veil.hidden = depth === 0;
    });
  on("dragenter", () => (depth += 1));
  on("dragover", () => {});
  on("dragleave", () => (depth = Math.max(0, depth - 1)));
  on("drop", (event) => {
    depth = 0;
    take(event.dataTransfer.files, onPhoto);
  });
}

/** Takes the first picture, or else the first file, so that the page can say what is wrong with it. */
function take(files, onPhoto) {
  const all = [...(files ?? [])];
  const file = all.find((candidate) => candidate.type.startsWith("image/")) ?? all[0];
  if (file) onPhoto(file);
  return file !== undefined;
}
