// What stands beside the photo, or beside the product that others are like. Pure, from the page's state.

import { price } from "./format.js";
import { likeHeadline, LIKE_RESULTS, LOOKING, STILL_AT_IT, stockWords, YOUR_PHOTO } from "./page-words.js";
import { headline, resultsTitle, sureness } from "./verdict.js";

export function headlineOf({ like, answer, busy, error }) {
  if (like) return like.title ? likeHeadline(like.title) : LOOKING;
  if (error) return YOUR_PHOTO;
  if (answer?.prediction) return headline(answer.prediction);
  return busy ? LOOKING : YOUR_PHOTO;
}

/** How sure that is, or the product's price and stock. */
export function surenessOf({ like, answer, slow }) {
  if (slow) return STILL_AT_IT;
  if (like) return [price(like.price, like.currency), stockWords(like.in_stock)].filter(Boolean).join(" · ");
  return answer?.prediction ? sureness(answer.prediction) : "";
}

export const titleOf = ({ like, answer }) => (like ? LIKE_RESULTS : resultsTitle(answer?.prediction));
