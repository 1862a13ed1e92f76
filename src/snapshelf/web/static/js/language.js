// The language of the page: the texts are loaded, written where they stand for good, and exchanged by the switch.

import { byId } from "./dom.js";
import { language, text, useWords } from "./words.js";

const KEY = "snapshelf.language";
let folders = [];

/**
 * Loads the texts for this visit: in the language that was chosen on this device, else as the page came.
 * @param from the folders that have a file a language
 */
export async function startLanguage(from = ["/static/words"]) {
  folders = from;
  const root = document.documentElement;
  const served = root.lang;
  try {
    await load(root.dataset.language ?? served).catch(() => load(served));
  } catch (error) {
    root.classList.remove("scripted", "rewording"); // the form without scripts works even so
    throw error;
  }
  if (language() !== served) write();
  root.classList.remove("rewording");
}

/** @param onChange called when the page's language has changed */
export function offerLanguages(onChange) {
  const select = byId("language");
  select.value = language();
  select.addEventListener("change", async () => {
    try {
      await load(select.value);
    } catch {
      select.value = language(); // no connection: all stays as it is
      return;
    }
    keep(select.value);
    write();
    onChange();
  });
}

async function load(wanted) {
  const texts = await Promise.all(folders.map((folder) => fetchTexts(`${folder}/${encodeURIComponent(wanted)}.json`)));
  useWords(wanted, Object.assign({}, ...texts));
}

async function fetchTexts(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}

function keep(chosen) {
  document.documentElement.dataset.language = chosen;
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // chosen for this visit, then
  }
}

/** The texts that index.html names by `data-words` (what an element says) and `data-words-label` (its name). */
function write() {
  const root = document.documentElement;
  [root.lang, root.dir] = [language(), text("language.direction")];
  for (const element of document.querySelectorAll("[data-words]")) element.textContent = text(element.dataset.words);
  for (const element of document.querySelectorAll("[data-words-label]")) {
    element.setAttribute("aria-label", text(element.dataset.wordsLabel));
  }
  byId("language-code").textContent = language();
  byId("privacy")?.setAttribute("href", `/privacy?language=${language()}`);
}
