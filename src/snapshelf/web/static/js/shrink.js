// A photo made ready for sending, on the device: upright, no larger than the search can use, without its metadata.

const LONGER_SIDE_PX = 1280; // a fifth of it, cut out with the crop box, is still as large as what a model looks at
const SMALL_BYTES = 1_500_000;
const QUALITY = 0.88;

/**
 * What is sent of a photo. A small one stays as it is, and so does one that this browser cannot read (HEIC, as a rule):
 * the server sees to it, and says what is wrong with what is no photo.
 * @param {Blob} file
 * @param {(canvas: HTMLCanvasElement) => void} onDrawn takes the small picture as soon as it can be shown
 * @returns {Promise<Blob>}
 */
export async function shrunk(file, onDrawn) {
  let picture;
  try {
    picture = (await decodedSmall(file)) ?? (await createImageBitmap(file, { imageOrientation: "from-image" }));
  } catch {
    return file;
  }
  try {
    const scale = Math.min(1, LONGER_SIDE_PX / Math.max(...sizeOf(picture)));
    const fitsAsItIs = scale === 1 && file.size <= SMALL_BYTES && !/hei[cf]/.test(file.type);
    if (fitsAsItIs) return file;
    const canvas = drawn(picture, scale);
    onDrawn(canvas);
    return await asJpeg(canvas);
  } finally {
    picture.close();
  }
}

/**
 * A large JPEG, decoded at half its size or less, in half the time; null where this browser can't. A decoder goes down
 * to the nearest scale below what is desired, so that twice the size that is needed never gives too little.
 */
async function decodedSmall(file) {
  if (file.type !== "image/jpeg" || file.size <= SMALL_BYTES || !globalThis.ImageDecoder) return null;
  const desired = { desiredWidth: 2 * LONGER_SIDE_PX, desiredHeight: 2 * LONGER_SIDE_PX };
  const decoder = new ImageDecoder({ data: file.stream(), type: file.type, ...desired });
  try {
    const { image } = await decoder.decode();
    if ("rotation" in image) return image; // it knows which way is up
    image.close();
    return null;
  } catch {
    return null;
  } finally {
    decoder.close();
  }
}

/** Width and height of a bitmap, a frame or a video. */
const sizeOf = (source) => [
  source.displayWidth ?? source.videoWidth ?? source.width,
  source.displayHeight ?? source.videoHeight ?? source.height,
];

/** On white, where it lets through. */
export function drawn(source, scale = 1) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = sizeOf(source).map((side) => Math.max(1, Math.round(side * scale)));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** @returns {Promise<Blob>} */
export const asJpeg = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
