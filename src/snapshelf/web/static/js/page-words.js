// What the page says beside verdicts, filters and failures. Pure.

import { readable } from "./words.js";

export const LIKE_BUTTON = "More like this";
export const likeHeadline = (title) => `More like “${title}”`;
export const LIKE_RESULTS = "Products like it";
/** null where the store doesn't say. */
export const stockWords = (inStock) => (typeof inStock === "boolean" ? (inStock ? "In stock" : "Out of stock") : null);

export const OFFLINE = "You’re offline. What you looked at last is here; a new photo is searched for when the connection is back.";

export const LOOKING = "Looking…";
export const YOUR_PHOTO = "Your photo";
export const STILL_AT_IT = "Still at it: large photos take a moment";

export const SHARE_DONE = "Link copied";
export const SHARE_FAILED = "The link can’t be copied here";
export const SHARE_PHOTO = "The link shows products like the best match. Your photo is not in it.";

const share = (fraction) => Math.round(fraction * 100);
export const boxWords = ({ x, y, w, h }) =>
  `${share(w)}% of the width and ${share(h)}% of the height, ${share(x)}% from the left, ${share(y)}% from the top`;
export const WHOLE_PHOTO = "The whole photo";

export const PRICE_FROM = "from";
export const PRICE_TO = "to";
export const productCount = (number) => `${number} ${number === 1 ? "product" : "products"}`;
export const anyOf = (name) => `Any ${readable(name).toLowerCase()}`;
