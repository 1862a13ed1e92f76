// Numbers as the reader's locale writes them.

const percentFormat = new Intl.NumberFormat(navigator.languages, { style: "percent" });

/** A fraction, 0 to 1, as a percentage. Never 100%: nobody is that sure. */
export const percent = (fraction) => percentFormat.format(Math.min(Math.max(fraction, 0), 0.99));

/** A cosine similarity, -1 to 1, as a percentage from 0 to 100. */
export const alike = (similarity) => percentFormat.format(Math.min(Math.max(similarity, 0), 1));

/** A whole number, such as 1,200. */
export const whole = (number) => new Intl.NumberFormat(navigator.languages).format(number);

/** A price with its currency; a code that is none is written out after the number. */
export function price(amount, currency) {
  if (typeof amount !== "number") return null;
  try {
    return new Intl.NumberFormat(navigator.languages, { style: "currency", currency: currency ?? "" }).format(amount);
  } catch {
    const number = new Intl.NumberFormat(navigator.languages, { minimumFractionDigits: 2 }).format(amount);
    return currency ? `${number} ${currency}` : number;
  }
}
