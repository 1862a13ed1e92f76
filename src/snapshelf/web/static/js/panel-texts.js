// What stands beside the photo, or beside the product that others are like. Pure, from the page's state.

import { price } from "./format.js";
import { headline, resultsTitle, sureness } from "./verdict.js";
import { text } from "./words.js";

/** What the photo was taken for: by the server, or, where that can't be reached, by this device. */
export const predictionOf = ({ error, here, answer }) => (error ? here : (answer?.prediction ?? null));

export function headlineOf(now) {
  const { like, busy, error } = now;
  if (like) return like.title ? text("like.title", { title: like.title }) : text("photo.looking");
  const prediction = predictionOf(now);
  if (prediction) return headline(prediction);
  if (error) return text("photo.yours");
  return text(busy ? "photo.looking" : "photo.yours");
}

/** How sure that is, or the product's price and stock. */
export function surenessOf(now) {
  const { like, slow } = now;
  if (slow) return text("photo.slow");
  if (like) return [price(like.price, like.currency), stockText(like.in_stock)].filter(Boolean).join(" · ");
  const prediction = predictionOf(now);
  return prediction ? sureness(prediction) : "";
}

/** null where the store doesn't say. */
export const stockText = (inStock) => (typeof inStock === "boolean" ? text(inStock ? "stock.in" : "stock.out") : null);

export const titleOf = ({ like, answer }) => (like ? text("results.like") : resultsTitle(answer?.prediction));
