// Why a product is shown, in the reader's language. Pure, from the API's `reasons`.

import { hasText, listed, quoted, text } from "./words.js";

/** `same category, very similar look, also red and black`. A kind that this page doesn't know is left out. */
export const reasonText = (reasons) =>
  reasons
    .filter(({ kind }) => hasText(`reason.${kind}`))
    .map(({ kind, values }) => text(`reason.${kind}`, { values: listed(values.map((value) => valueText(kind, value))) }))
    .join(text("text.separator"));

function valueText(kind, value) {
  if (kind === "colours") return hasText(`colour.${value}`) ? text(`colour.${value}`) : value;
  return kind === "words" ? quoted(value) : value;
}
