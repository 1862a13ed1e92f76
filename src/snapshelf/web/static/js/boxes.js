// The arithmetic of the crop box. Pure. A box is {x, y, w, h} in fractions of the photo, top left corner first.

export const LEAST = 0.1; // of either side
export const STEP = 0.03; // of a press of a key or button

const within = (value, least, most) => Math.min(Math.max(value, least), most);

/** What the box is when a part is first chosen: the middle. */
export const MIDDLE = Object.freeze({ x: 0.15, y: 0.15, w: 0.7, h: 0.7 });

/** Moved by fractions of the photo, and held inside it. */
export const moved = ({ x, y, w, h }, dx, dy) => ({ x: within(x + dx, 0, 1 - w), y: within(y + dy, 0, 1 - h), w, h });

/** With its middle at a place, or as near to it as the photo lets. */
export const centred = (box, x, y) => moved(box, x - box.x - box.w / 2, y - box.y - box.h / 2);

/** Wider and taller by fractions of the photo, about its middle, and held inside it. */
export function sized(box, dw, dh) {
  const [w, h] = [within(box.w + dw, LEAST, 1), within(box.h + dh, LEAST, 1)];
  return moved({ x: box.x, y: box.y, w, h }, (box.w - w) / 2, (box.h - h) / 2);
}

/** With one corner ("nw", "ne", "sw" or "se") moved, the opposite one staying where it is. */
export function cornerMoved(box, corner, dx, dy) {
  const [right, bottom] = [box.x + box.w, box.y + box.h];
  const left = corner.endsWith("w") ? within(box.x + dx, 0, right - LEAST) : box.x;
  const top = corner.startsWith("n") ? within(box.y + dy, 0, bottom - LEAST) : box.y;
  const w = corner.endsWith("e") ? within(box.w + dx, LEAST, 1 - box.x) : right - left;
  const h = corner.startsWith("s") ? within(box.h + dy, LEAST, 1 - box.y) : bottom - top;
  return { x: left, y: top, w, h };
}

/** Where a picture lies in a frame that shows all of it (`object-fit: contain`), in the frame's pixels. */
export function pictureIn(frame, picture) {
  const scale = Math.min(frame.width / picture.width, frame.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  return { left: (frame.width - width) / 2, top: (frame.height - height) / 2, width, height };
}
