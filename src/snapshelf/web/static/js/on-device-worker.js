// Recognises photos on this device, beside the page, so that nothing stands still: ONNX Runtime Web with the store's
// model, from what on-device.js put aside. Takes {id, photo, box}, answers {id, prediction} or {id, error}.

import { predicted } from "./device-prediction.js";
import { keptFile, keptFiles } from "./on-device-files.js";
import { cut, fitted, reduced, roundedToEven, withoutAlpha } from "./resample.js";

const INPUT = "photos";
let opening = null;

addEventListener("message", async ({ data: { id, photo, box } }) => {
  try {
    opening ??= open();
    postMessage({ id, prediction: await recognised(await opening, photo, box) });
  } catch (error) {
    opening = null; // another try may find what is missing now
    postMessage({ id, error: String(error) });
  }
});

async function open() {
  const files = await keptFiles();
  const runtime = await import(files["ort.wasm.bundle.min.mjs"].url);
  const [binary, model, recipe] = await Promise.all([
    keptFile(files["ort-wasm-simd-threaded.wasm"]).then((file) => file.arrayBuffer()),
    keptFile(files["model.onnx"]).then((file) => file.arrayBuffer()),
    keptFile(files["recipe.json"]).then((file) => file.json()),
  ]);
  Object.assign(runtime.env.wasm, { wasmBinary: binary, numThreads: 1 });
  const options = { executionProviders: ["wasm"], graphOptimizationLevel: "all" };
  return { runtime, recipe, session: await runtime.InferenceSession.create(new Uint8Array(model), options) };
}

async function recognised({ runtime, recipe, session }, photo, box) {
  const size = recipe.input.shape[1];
  const picture = await decoded(photo, neededPx(size, box));
  const part = box ? cut(picture, edgesOf(box, picture)) : picture;
  const wanted = ["logits", "familiarity"].filter((name) => name in recipe.outputs);
  const input = new runtime.Tensor("uint8", fitted(part, size, recipe.input.fit), [1, size, size, 3]);
  const { logits, familiarity } = await session.run({ [INPUT]: input }, wanted);
  return predicted(logits.data, familiarity?.data[0] ?? null, recipe);
}

/** Upright, on white where it lets through, its colours as they stand, a JPEG no larger than needed: as the server. */
async function decoded(photo, needed) {
  const found = await createImageBitmap(photo, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  const { width, height } = found;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(found, 0, 0);
  found.close();
  const picture = withoutAlpha(context.getImageData(0, 0, width, height));
  const step = (await isJpeg(photo)) ? stepOf(picture, needed) : 1;
  return step === 1 ? picture : reduced(picture, [step, step], [0, 0, width, height]);
}

async function isJpeg(photo) {
  const [first, second] = new Uint8Array(await photo.slice(0, 2).arrayBuffer());
  return first === 0xff && second === 0xd8;
}

/** As `needed_px` of recommend/recommender.py: of the photo's shorter side, for a part of it. */
function neededPx(size, box) {
  const share = box ? Math.min(box.w, box.h) : 1;
  return share > 0.01 ? Math.ceil(size / share) : Infinity;
}

/** The scale at which the server's decoder leaves out what isn't needed: `_draft` of imaging/decode.py, in Pillow. */
function stepOf({ width, height }, needed) {
  const asked = Math.floor(Math.min(width, height) / needed);
  if (asked < 2) return 1;
  const given = Math.min(...[width, height].map((side) => Math.floor(side / Math.floor(side / asked))));
  return [8, 4, 2].find((scale) => given >= scale);
}

/** Of a part in whole pixels: `crop` of imaging/preprocess.py. */
function edgesOf({ x, y, w, h }, { width, height }) {
  const [left, top] = [Math.trunc(x * width), Math.trunc(y * height)];
  const right = Math.min(width, Math.max(left + 1, roundedToEven((x + w) * width)));
  const bottom = Math.min(height, Math.max(top + 1, roundedToEven((y + h) * height)));
  return [Math.min(left, right - 1), Math.min(top, bottom - 1), right, bottom];
}
