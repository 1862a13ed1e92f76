// What the server would refuse anyway is said at once, without sending it. Each throws a SearchError.

import { SearchError } from "./api.js";
import { text } from "./words.js";

export function checkKind({ type }) {
  if (type && !type.startsWith("image/")) throw new SearchError("not-a-picture");
}

export function checkSize(blob, store) {
  if (!(blob.size > store.max_upload_bytes)) return; // false, too, where the server names no limit
  const megabytes = (bytes) => Math.ceil(bytes / 1e6);
  const sizes = { size: megabytes(blob.size), most: megabytes(store.max_upload_bytes) };
  const detail = () => text("error.too-large.sizes", sizes);
  throw new SearchError("too-large", { detail });
}
