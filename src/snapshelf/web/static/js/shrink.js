// A photo made ready for sending, on the device: upright, no larger than the search can use, without its metadata.

const LONGER_SIDE_PX = 1280; // a fifth of it, cut out with the crop box, is still as large as what a model looks at
const SMALL_BYTES = 1_500_000;
const QUALITY = 0.88;

/**
 * What is sent of a photo. A small one stays as it is, and so does one that this browser cannot read (HEIC, as a rule):
 * the server sees to it, and says what is wrong with what is no photo.
 * @param {Blob} file
 * @returns {Promise<Blob>}
 */
export async function shrunk(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  try {
    const scale = Math.min(1, LONGER_SIDE_PX / Math.max(bitmap.width, bitmap.height));
    const fitsAsItIs = scale === 1 && file.size <= SMALL_BYTES && !/hei[cf]/.test(file.type);
    return fitsAsItIs ? file : await drawn(bitmap, scale);
  } finally {
    bitmap.close();
  }
}

/** As a JPEG, on white where it lets through. */
export function drawn(source, scale = 1) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round((source.videoWidth ?? source.width) * scale));
  canvas.height = Math.max(1, Math.round((source.videoHeight ?? source.height) * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}
