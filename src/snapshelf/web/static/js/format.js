// Numbers as the reader's locale writes them.

import { numbersLocale } from "./words.js";

const written = (number, options) => new Intl.NumberFormat(numbersLocale(), options).format(number);

/** A fraction, 0 to 1, as a percentage. */
export const share = (fraction) => written(Math.min(Math.max(fraction, 0), 1), { style: "percent" });

/** The same to a tenth: scores of models differ by less than a percent. */
export const exactShare = (fraction) => written(fraction, { style: "percent", maximumFractionDigits: 1 });

/** A probability as a percentage. Never 100%: nobody is that sure. */
export const percent = (probability) => share(Math.min(probability, 0.99));

/** A cosine similarity, -1 to 1, as a percentage from 0 to 100. */
export const alike = share;

/** A whole number, such as 1,200. */
export const whole = (number) => written(number);

/** A price with its currency; a code that is none is written out after the number. */
export function price(amount, currency) {
  if (typeof amount !== "number") return null;
  try {
    return written(amount, { style: "currency", currency: currency ?? "" });
  } catch {
    const number = written(amount, { minimumFractionDigits: 2 });
    return currency ? `${number} ${currency}` : number;
  }
}
