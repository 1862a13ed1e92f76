// The small picture that cameras put at the head of a JPEG (Exif 2.3, 4.5), to have something to show at once.

const HEAD_BYTES = 128 * 1024; // the segment that it is in has 64 kB at most
const TURNS = { 1: 0, 3: 2, 6: 1, 8: 3 }; // orientation → quarter turns; mirrored ones wait for the photo itself
const [APP1, START_OF_SCAN] = [0xffe1, 0xffda];
const [ORIENTATION, THUMBNAIL_AT, THUMBNAIL_BYTES] = [0x0112, 0x0201, 0x0202];

/** @returns {Promise<HTMLCanvasElement|null>} upright, in the photo's proportions; null where there is none */
export async function thumbnailOf(file) {
  if (file.type !== "image/jpeg") return null;
  try {
    const head = new DataView(await file.slice(0, HEAD_BYTES).arrayBuffer());
    const { jpeg, turns, ratio } = found(head);
    const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }), { imageOrientation: "none" });
    return upright(picture, turns, ratio);
  } catch {
    return null; // none there, or broken: the photo itself follows
  }
}

/** The thumbnail's bytes, how it is to be turned, and the photo's width over its height, both as they lie in the file. */
function found(head) {
  let exif = null;
  for (let at = 2; head.getUint16(at) !== START_OF_SCAN; at += 2 + head.getUint16(at + 2)) {
    const marker = head.getUint16(at);
    if (marker === APP1 && head.getUint32(at + 4) === 0x45786966) exif ??= thumbnailIn(head, at + 10); // «Exif»
    if (exif && isFrame(marker)) return { ...exif, ratio: head.getUint16(at + 7) / head.getUint16(at + 5) };
  }
  throw new RangeError();
}

/** Of the markers 0xffc0 to 0xffcf all but three begin a frame. */
const isFrame = (marker) => marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker);

/** @param at where the TIFF header within the segment is, from which its offsets count */
function thumbnailIn(head, at) {
  const little = head.getUint16(at) === 0x4949;
  const number = (place) => head.getUint32(at + place, little);
  const short = (place) => head.getUint16(at + place, little);
  /** Where the value of a directory's tag is; undefined where it has none. */
  const placeOf = (directory, tag) => {
    const entries = Array.from({ length: short(directory) }, (_, entry) => directory + 2 + 12 * entry);
    const entry = entries.find((each) => short(each) === tag);
    return entry && entry + 8;
  };
  const photo = number(4);
  const orientation = placeOf(photo, ORIENTATION);
  const turns = TURNS[orientation ? short(orientation) : 1];
  const thumbnail = number(photo + 2 + 12 * short(photo));
  const [from, bytes] = [THUMBNAIL_AT, THUMBNAIL_BYTES].map((tag) => number(placeOf(thumbnail, tag)));
  if (turns === undefined) throw new RangeError();
  return { jpeg: new Uint8Array(head.buffer, at + from, bytes), turns };
}

/** Cameras fill up to 4 : 3 with black bars: these are cut off. */
function upright(picture, turns, ratio) {
  const width = Math.min(picture.width, picture.height * ratio);
  const sides = [width, width / ratio].map(Math.round);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = turns % 2 ? sides.reverse() : sides;
  const context = canvas.getContext("2d");
  context.translate(canvas.width / 2, canvas.height / 2);
  context.rotate((turns * Math.PI) / 2);
  context.drawImage(picture, -picture.width / 2, -picture.height / 2);
  picture.close();
  return canvas;
}
