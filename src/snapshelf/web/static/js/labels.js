// The store's own words within a text: capitals, and English articles. Pure.

const UNCOUNTED = /(wear|clothing|jewel(le)?ry|luggage|furniture|milk|juice|water|cream|yogh?urt|rice|bread)$/i;
const PLURAL = /[^suio]s$/i;
const SOUNDS_LIKE_A_VOWEL = /^([aeio]|u(?!ni|s[aeiou])|hour|honest|heir)/i;
const SOUNDS_LIKE_A_CONSONANT = /^(eu|one\b|once\b)/i;
const SPELT_OUT = /^([A-Z]{2,}|[a-z](?=[-\d]))/;
const LETTER_WITH_VOWEL = /^[aefhilmnorsx]/i;

/** A category as the store names it, readable: `ankle_boot` → `ankle boot`. */
export const readable = (label) => label.replaceAll("_", " ").trim();

export const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A category within a sentence: `Ankle boot` → `ankle boot`, but `T-shirt` and `LED lamp` stay. */
export function inSentence(label) {
  const text = readable(label);
  return /^[A-Z][^A-Z]*$/.test(text) && /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

/** A category with «a» or «an» where it takes one: a sneaker, an ankle boot, an LED lamp, shorts, milk. */
export function withArticle(label) {
  const text = inSentence(label);
  if (UNCOUNTED.test(text) || PLURAL.test(text)) return text;
  return `${startsLikeVowel(text) ? "an" : "a"} ${text}`;
}

function startsLikeVowel(text) {
  if (SPELT_OUT.test(text)) return LETTER_WITH_VOWEL.test(text);
  return SOUNDS_LIKE_A_VOWEL.test(text) && !SOUNDS_LIKE_A_CONSONANT.test(text);
}
