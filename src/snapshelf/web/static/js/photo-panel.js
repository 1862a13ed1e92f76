// The photo, what it was taken for, how sure that is, and the other guesses; or the product that others are like.

import { byId, el, safeAddress } from "./dom.js";
import { percent } from "./format.js";
import { capitalised, readable } from "./labels.js";
import { headlineOf, predictionOf, surenessOf } from "./panel-texts.js";
import { guesses, guessesTitle } from "./verdict.js";
import { text } from "./words.js";

export function createPhotoPanel({ onGuess, onCancel }) {
  const photo = byId("photo");
  photo.addEventListener("load", () => showPreview(true));
  photo.addEventListener("error", () => showPreview(false));
  byId("cancel").addEventListener("click", onCancel);

  return (now, before) => {
    showPicture(now, photo);
    if (now.firstLook !== before.firstLook) byId("first-look").replaceChildren(...[now.firstLook].filter(Boolean));
    byId("progress").hidden = !now.busy;
    byId("cancel").hidden = !(now.busy && (now.answer === null || now.slow)); // no flicker with quick changes
    showVerdict(now);
    if (now.answer !== before.answer || now.store !== before.store) showGuesses(now, before, onGuess);
    pressGuess(now.filters.category);
  };
}

function showPicture({ like, photo, preview }, picture) {
  const address = like ? safeAddress(like.image_url) : preview;
  if (!address && photo && !like) picture.hidden = true; // another one than before, in some milliseconds
  picture.alt = like ? (like.title ?? "") : text("photo.yours");
  if (!address || picture.dataset.shown === address) return;
  picture.dataset.shown = address;
  picture.src = address;
}

function showPreview(works) {
  byId("first-look").replaceChildren();
  byId("photo").hidden = !works;
  byId("no-preview").hidden = works;
}

function showVerdict(now) {
  const prediction = predictionOf(now);
  document.querySelector(".sureness").hidden = now.error !== null && !prediction;
  byId("verdict").dataset.verdict = prediction?.verdict ?? "";
  byId("gauge").hidden = !prediction;
  if (prediction) byId("gauge").style.setProperty("--share", String(prediction.probability));
  write("headline", headlineOf(now));
  write("sureness", surenessOf(now));
  const link = safeAddress(now.like?.url);
  byId("product-link").hidden = link === null;
  if (link) byId("product-link").href = link;
}

/** Writes only what changed, so that screen readers aren't told twice. */
function write(id, words) {
  if (byId(id).textContent !== words) byId(id).textContent = words;
}

function showGuesses({ answer, store }, before, onGuess) {
  const prediction = answer?.prediction;
  const offered = prediction ? guesses(prediction).filter((guess) => isSold(store, guess.label)) : [];
  byId("guesses").hidden = offered.length === 0;
  if (offered.length === 0 || sameTop(prediction, before.answer?.prediction)) return;
  write("guesses-title", guessesTitle(prediction));
  byId("guess-chips").replaceChildren(...offered.map((guess) => guessChip(guess, onGuess)));
}

const isSold = (store, label) => store.categories.some((category) => category.name === label);

/** The same guesses again (another filter): their chips stay, and with them the focus. */
const sameTop = (one, other) =>
  byId("guess-chips").childElementCount > 0 && JSON.stringify(one.top) === JSON.stringify(other?.top);

function guessChip({ label, probability }, onGuess) {
  const figure = el("span", { class: "figure", text: percent(probability) });
  const words = `${capitalised(readable(label))} `;
  const chip = el("button", { class: "chip", type: "button", on: { click: () => onGuess(label) } }, words, figure);
  chip.dataset.label = label;
  return chip;
}

function pressGuess(category) {
  for (const chip of byId("guess-chips").children) {
    chip.setAttribute("aria-pressed", String(chip.dataset.label === category));
  }
}
