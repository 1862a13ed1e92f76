// What stands beside the photo, or beside the product that others are like. Pure, from the page's state.

import { price } from "./format.js";
import { headline, resultsTitle, sureness } from "./verdict.js";
import { text } from "./words.js";

export function headlineOf({ like, answer, busy, error }) {
  if (like) return like.title ? text("like.title", { title: like.title }) : text("photo.looking");
  if (error) return text("photo.yours");
  if (answer?.prediction) return headline(answer.prediction);
  return text(busy ? "photo.looking" : "photo.yours");
}

/** How sure that is, or the product's price and stock. */
export function surenessOf({ like, answer, slow }) {
  if (slow) return text("photo.slow");
  if (like) return [price(like.price, like.currency), stockText(like.in_stock)].filter(Boolean).join(" · ");
  return answer?.prediction ? sureness(answer.prediction) : "";
}

/** null where the store doesn't say. */
export const stockText = (inStock) => (typeof inStock === "boolean" ? text(inStock ? "stock.in" : "stock.out") : null);

export const titleOf = ({ like, answer }) => (like ? text("results.like") : resultsTitle(answer?.prediction));
