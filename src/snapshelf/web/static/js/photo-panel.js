// The photo, what it was taken for, how sure that is, and the other guesses.

import { byId, el } from "./dom.js";
import { percent } from "./format.js";
import { guesses, guessesTitle, headline, sureness } from "./verdict.js";
import { capitalised, readable } from "./words.js";

const STILL_AT_IT = "Still at it: large photos take a moment";

export function createPhotoPanel({ onGuess, onCancel }) {
  const photo = byId("photo");
  photo.addEventListener("load", () => showPreview(true));
  photo.addEventListener("error", () => showPreview(false));
  byId("cancel").addEventListener("click", onCancel);

  return (now, before) => {
    if (now.photo && now.photo !== before.photo) photo.src = now.photo.url;
    byId("progress").hidden = !now.busy;
    byId("cancel").hidden = !(now.busy && (now.answer === null || now.slow)); // no flicker with quick changes
    showVerdict(now);
    if (now.answer !== before.answer || now.store !== before.store) showGuesses(now, before, onGuess);
    pressGuess(now.filters.category);
  };
}

function showPreview(works) {
  byId("photo").hidden = !works;
  byId("no-preview").hidden = works;
}

function showVerdict({ answer, busy, slow, error }) {
  document.querySelector(".sureness").hidden = error !== null;
  const prediction = answer?.prediction;
  byId("verdict").dataset.verdict = prediction?.verdict ?? "";
  byId("gauge").hidden = !prediction;
  if (prediction) byId("gauge").style.setProperty("--share", String(prediction.probability));
  write("headline", headlineOf(prediction, busy, error));
  write("sureness", slow ? STILL_AT_IT : prediction ? sureness(prediction) : "");
}

function headlineOf(prediction, busy, error) {
  if (error) return "Your photo";
  if (prediction) return headline(prediction);
  return busy ? "Looking…" : "Your photo";
}

/** Writes only what changed, so that screen readers aren't told twice. */
function write(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
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
