// What the page says a photo shows, and how sure it is. Pure: from a prediction to words.

import { percent } from "./format.js";
import { capitalised, inSentence, readable, withArticle } from "./words.js";

const MAX_GUESSES = 4;
const WORTH_OFFERING = 0.05;

/** «Sneaker», «Looks like a sneaker», «Not sure: sneaker or sandal?», «We don't seem to sell this.». */
export function headline(prediction) {
  const [first, second] = prediction.top.map((guess) => guess.label);
  switch (prediction.verdict) {
    case "confident":
      return capitalised(readable(prediction.label));
    case "likely":
      return `Looks like ${withArticle(prediction.label)}`;
    case "unsure":
      return second ? `Not sure: ${inSentence(first)} or ${inSentence(second)}?` : `Not sure: ${inSentence(first)}?`;
    default:
      return "We don’t seem to sell this.";
  }
}

/** How sure, in words with the figure. */
export function sureness(prediction) {
  const figure = percent(prediction.probability);
  switch (prediction.verdict) {
    case "confident":
      return `Very sure, ${figure}`;
    case "likely":
      return `Fairly sure, ${figure}`;
    case "unsure":
      return `A close call, ${figure} for ${inSentence(prediction.label)}`;
    default:
      return `Closest guess: ${inSentence(prediction.label)}, ${figure}`;
  }
}

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

export const guessesTitle = (prediction) => {
  if (prediction.verdict === "unsure") return "Which is it?";
  return prediction.verdict === "unknown" ? "Could it be one of these?" : "Or is it…";
};

/** What stands over the products. */
export const resultsTitle = (prediction) =>
  prediction?.verdict === "unknown" ? "The nearest we have:" : "Products like yours";
