// Days and times as the reader's locale writes them.

import { numbersLocale } from "../../js/words.js";

/** A day and a time, in the reader's time zone, from what the server writes (UTC, ISO 8601). */
export const moment = (iso) =>
  new Intl.DateTimeFormat(numbersLocale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));

/** A time of day, of a date or of milliseconds. */
export const time = (date) => new Intl.DateTimeFormat(numbersLocale(), { timeStyle: "short" }).format(date);
