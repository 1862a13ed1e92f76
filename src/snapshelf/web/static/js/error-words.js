// What each failure is called and what to do about it. Pure.

/** kind → {icon, title, help, actions}; actions, the likeliest first: retry, choose, lift (the filters). */
const WORDS = {
  "too-large": {
    icon: "picture",
    title: "This photo is too large",
    help: "Choose another one, or a smaller copy of it.",
    actions: ["choose", "retry"],
  },
  "not-a-picture": {
    icon: "picture",
    title: "This file can’t be read as a photo",
    help: "Choose a JPEG, PNG, WebP, GIF or AVIF picture, or take a new photo.",
    actions: ["choose", "retry"],
  },
  "bad-request": {
    icon: "alert",
    title: "This search can’t be done",
    help: "Try it without the filters, or with another photo.",
    actions: ["lift", "choose"],
  },
  "too-many": {
    icon: "alert",
    title: "A little too fast",
    help: "Many searches came from here in a short time. Your photo is kept, and the search goes on by itself.",
    actions: ["retry"],
  },
  busy: {
    icon: "alert",
    title: "The store is busy right now",
    help: "Your photo is kept, and the search goes on by itself.",
    actions: ["retry"],
  },
  gone: {
    icon: "picture",
    title: "This product isn’t here any more",
    help: "Look for others with a photo of it.",
    actions: ["choose"],
  },
  offline: {
    icon: "offline",
    title: "You’re offline",
    help: "Your photo is kept. The search goes on when the connection is back.",
    actions: ["retry"],
  },
  unreachable: {
    icon: "offline",
    title: "The store can’t be reached",
    help: "Your photo is kept. Check your connection, then try again.",
    actions: ["retry", "choose"],
  },
  broken: {
    icon: "alert",
    title: "Something went wrong on our side",
    help: "Your photo is kept. Try again, or try another one.",
    actions: ["retry", "choose"],
  },
};

export const errorWords = (error) => WORDS[error.kind] ?? WORDS.broken;

const TELLING = ["too-large", "not-a-picture", "bad-request"];

/** The server's own sentence, where it tells the customer something that the title does not. */
export const errorDetail = (error) => (TELLING.includes(error.kind) ? error.detail : null);

export const waitWords = (seconds) => `Trying again in ${seconds} ${seconds === 1 ? "second" : "seconds"}`;
