// What the page says, in the reader's language: static/words/LANGUAGE.json, which the server reads too (web/words.py).

import { capitalised, inSentence, readable, withArticle } from "./labels.js";

let words = {};
let code = "en";
let plurals = new Intl.PluralRules("en");

/** Use these texts from now on. */
export function useWords(language, texts) {
  [words, code, plurals] = [texts, language, new Intl.PluralRules(language)];
}

export const language = () => code;

/** The locale of numbers: the reader's own for the page's language, such as de-AT, where they have one. */
export const numbersLocale = () =>
  navigator.languages.find((tag) => tag.split("-")[0].toLowerCase() === code) ?? code;

/**
 * The text of a key. Placeholders: `{name}`, or `{name:style}` with a style for the store's own words; a number is
 * written as the reader's locale has it. A text with several forms takes the one for `count`.
 */
export function text(key, values = {}) {
  const found = words[key] ?? key;
  const form = typeof found === "string" ? found : (found[plurals.select(values.count)] ?? found.other);
  return form.replace(/\{(\w+)(?::(\w+))?\}/g, (_, name, style) => filled(values[name], style));
}

export const hasText = (key) => key in words;

const STYLES = {
  capital: (label) => capitalised(readable(label)),
  inside: inSentence,
  article: withArticle, // of English
};

function filled(value, style) {
  if (typeof value === "number") return new Intl.NumberFormat(numbersLocale()).format(value);
  const styled = style ? STYLES[style](value) : String(value);
  // A name in Latin letters doesn't turn the order of an Arabic or Hebrew sentence about.
  return words["language.direction"] === "rtl" ? `\u2068${styled}\u2069` : styled;
}

/** `a, b and c`, or `a, b or c`. */
export const listed = (parts, type = "conjunction") => new Intl.ListFormat(code, { type }).format(parts);

export const quoted = (value) => text("text.quoted", { text: value });
