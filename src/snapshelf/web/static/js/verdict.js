// What the page says a photo shows, and how sure it is. Pure: from a prediction to words.

import { percent } from "./format.js";
import { capitalised, readable } from "./labels.js";
import { text } from "./words.js";

const MAX_GUESSES = 4;
const WORTH_OFFERING = 0.05;

/** «Sneaker», «Looks like a sneaker», «Not sure: sneaker or sandal?», «We don't seem to sell this.». */
export function headline({ label, verdict, top }) {
  if (verdict === "confident") return capitalised(readable(label));
  if (verdict === "likely") return text("verdict.likely", { label });
  if (verdict !== "unsure") return text("verdict.unknown");
  const [first, second] = top.map((guess) => guess.label);
  return second ? text("verdict.unsure", { first, second }) : text("verdict.unsure_one", { first });
}

/** How sure, in words with the figure. */
export const sureness = ({ label, verdict, probability }) =>
  text(`sureness.${verdict}`, { label, figure: percent(probability) });

/**
 * The guesses to choose from: the others where the page is sure of one, else all. The likeliest two are always worth
 * offering where it isn't.
 * @returns {{label: string, probability: number}[]}
 */
export function guesses({ label, verdict, top }) {
  const sure = verdict === "confident" || verdict === "likely";
  const worth = (guess, rank) => guess.probability >= WORTH_OFFERING || (!sure && rank < 2);
  return top.filter((guess, rank) => worth(guess, rank) && !(sure && guess.label === label)).slice(0, MAX_GUESSES);
}

export const guessesTitle = ({ verdict }) =>
  text(verdict === "unsure" || verdict === "unknown" ? `guesses.${verdict}` : "guesses.sure");

/** What stands over the products. */
export const resultsTitle = (prediction) =>
  text(prediction?.verdict === "unknown" ? "results.nearest" : "results.title");
