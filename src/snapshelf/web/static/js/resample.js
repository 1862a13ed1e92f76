// A picture as the square that a model sees, as the server makes it (docs/decisions/0011-resizing.md): Pillow's
// `Image.resize` with HAMMING and `reducing_gap=1.0`. First by a whole number, which is fast, then what is left of it.
// Pillow rounds between both directions too, and chooses which comes first, so a value may be one or two off.

const CHANNELS = 3;
const PRECISION = 2 ** 22;
const WHITE = 255;

/**
 * A picture is {data, width, height}, three bytes a pixel.
 * @param {number} size of the square's side
 * @param {"squash" | "pad" | "crop"} fit
 * @returns {Uint8Array} size × size × 3
 */
export function fitted(picture, size, fit) {
  const { width, height } = picture;
  if (width === size && height === size) return picture.data;
  if (fit === "pad") return padded(picture, size);
  const side = Math.min(width, height);
  const [left, top] = [(width - side) / 2, (height - side) / 2];
  const box = fit === "crop" ? [left, top, left + side, top + side] : [0, 0, width, height];
  return resized(picture, size, size, box).data;
}

/** @param {ImageData} pixels opaque */
export function withoutAlpha({ data, width, height }) {
  const rgb = new Uint8Array(width * height * CHANNELS);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    rgb[to++] = data[from];
    rgb[to++] = data[from + 1];
    rgb[to++] = data[from + 2];
  }
  return { data: rgb, width, height };
}

function padded(picture, size) {
  const scale = size / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, roundedToEven(side * scale)));
  const small = resized(picture, width, height, [0, 0, picture.width, picture.height]);
  const square = new Uint8Array(size * size * CHANNELS).fill(WHITE);
  const [left, top] = [Math.floor((size - width) / 2), Math.floor((size - height) / 2)];
  for (let y = 0; y < height; y += 1) {
    const row = small.data.subarray(y * width * CHANNELS, (y + 1) * width * CHANNELS);
    square.set(row, ((top + y) * size + left) * CHANNELS);
  }
  return square;
}

/** As Python rounds: a half goes to the even number. */
export function roundedToEven(value) {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function resized(picture, width, height, box) {
  if (picture.width === width && picture.height === height) return picture;
  const factors = [Math.trunc((box[2] - box[0]) / width) || 1, Math.trunc((box[3] - box[1]) / height) || 1];
  if (factors[0] === 1 && factors[1] === 1) return resampled(picture, width, height, box);
  const safe = around(picture, width, height, box);
  const within = box.map((edge, at) => (edge - safe[at % 2]) / factors[at % 2]);
  return resampled(reduced(picture, factors, safe), width, height, within);
}

/** The box and what the filter reaches beyond it. */
function around(picture, width, height, box) {
  const reachX = (0.5 * (box[2] - box[0])) / width;
  const reachY = (0.5 * (box[3] - box[1])) / height;
  return [
    Math.max(0, Math.trunc(box[0] - reachX)),
    Math.max(0, Math.trunc(box[1] - reachY)),
    Math.min(picture.width, Math.ceil(box[2] + reachX)),
    Math.min(picture.height, Math.ceil(box[3] + reachY)),
  ];
}

/** The part between these edges. */
export function cut({ data, width }, [left, top, right, bottom]) {
  const rows = [];
  for (let y = top; y < bottom; y += 1) {
    rows.push(data.subarray((y * width + left) * CHANNELS, (y * width + right) * CHANNELS));
  }
  const part = new Uint8Array((bottom - top) * (right - left) * CHANNELS);
  rows.forEach((row, at) => part.set(row, at * row.length));
  return { data: part, width: right - left, height: bottom - top };
}

/** Each block of whole pixels becomes their mean; the last ones may be narrower. */
export function reduced(picture, [stepX, stepY], [x0, y0, x1, y1]) {
  const [width, height] = [Math.ceil((x1 - x0) / stepX), Math.ceil((y1 - y0) / stepY)];
  const data = new Uint8Array(width * height * CHANNELS);
  for (let y = 0, to = 0; y < height; y += 1) {
    const [top, bottom] = [y0 + y * stepY, Math.min(y1, y0 + (y + 1) * stepY)];
    for (let x = 0; x < width; x += 1) {
      const [left, right] = [x0 + x * stepX, Math.min(x1, x0 + (x + 1) * stepX)];
      const count = (bottom - top) * (right - left);
      for (let channel = 0; channel < CHANNELS; channel += 1) {
        data[to++] = meanOf(sumOf(picture, left, top, right, bottom, channel), count);
      }
    }
  }
  return { data, width, height };
}

function sumOf({ data, width }, left, top, right, bottom, channel) {
  let sum = 0;
  for (let y = top; y < bottom; y += 1) {
    const end = (y * width + right) * CHANNELS;
    for (let at = (y * width + left) * CHANNELS + channel; at < end; at += CHANNELS) sum += data[at];
  }
  return sum;
}

const meanOf = (sum, count) => Math.floor((sum + Math.floor(count / 2)) / count);

function resampled(picture, width, height, box) {
  const columns = weightsOf(picture.width, box[0], box[2], width);
  const rows = weightsOf(picture.height, box[1], box[3], height);
  return vertically(horizontally(picture, columns), rows);
}

/** For each of `count` places: where its pixels begin, and their weights as whole numbers. */
function weightsOf(length, from, to, count) {
  const scale = (to - from) / count;
  const support = Math.max(scale, 1);
  return Array.from({ length: count }, (_, place) => {
    const center = from + (place + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(length, Math.trunc(center + support + 0.5));
    const weights = [];
    for (let at = start; at < end; at += 1) weights.push(hamming((at - center + 0.5) / support));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { start, weights: weights.map((weight) => Math.trunc(0.5 + (weight / total) * PRECISION)) };
  });
}

function hamming(value) {
  const x = Math.abs(value) * Math.PI;
  if (x === 0) return 1;
  if (Math.abs(value) >= 1) return 0;
  return (Math.sin(x) / x) * (0.54 + 0.46 * Math.cos(x));
}

function horizontally({ data, width, height }, columns) {
  const found = new Uint8ClampedArray(columns.length * height * CHANNELS);
  for (let y = 0, to = 0; y < height; y += 1) {
    for (const { start, weights } of columns) {
      const first = (y * width + start) * CHANNELS;
      for (let channel = 0; channel < CHANNELS; channel += 1) {
        found[to++] = weighted(data, first + channel, CHANNELS, weights);
      }
    }
  }
  return { data: found, width: columns.length, height };
}

function vertically({ data, width }, rows) {
  const stride = width * CHANNELS;
  const found = new Uint8Array(rows.length * stride);
  let to = 0;
  for (const { start, weights } of rows) {
    for (let at = 0; at < stride; at += 1) found[to++] = weighted(data, start * stride + at, stride, weights);
  }
  return { data: found, width, height: rows.length };
}

function weighted(data, first, step, weights) {
  let sum = PRECISION / 2;
  for (let at = 0, from = first; at < weights.length; at += 1, from += step) sum += data[from] * weights[at];
  return Math.min(255, Math.max(0, Math.floor(sum / PRECISION)));
}
