// What <snapshelf-search> loads beside its modules, from where its script came from: texts and styles.

import { SearchError } from "./api.js";
import { useWords } from "./words.js";

const FALLBACK = "en";

let sheet = null;

/** Its styles, shared by all of a page. No <style> and no style attribute: shops' policies may forbid both. */
export function styleSheet() {
  sheet ??= read("../embed.css", (answer) => answer.text()).then((css) => {
    const made = new CSSStyleSheet();
    made.replaceSync(css);
    return made;
  });
  sheet.catch(() => (sheet = null));
  return sheet;
}

/** The texts, in the language of the page around the element, or in English. */
export async function wordsFor(element) {
  const tag = element.closest("[lang]")?.lang || navigator.language;
  const language = tag.split("-")[0].toLowerCase();
  const load = async (code) => useWords(code, await read(`../words/${code}.json`, (answer) => answer.json()));
  await (/^[a-z]{2,3}$/.test(language) ? load(language).catch(() => load(FALLBACK)) : load(FALLBACK));
}

async function read(path, as) {
  const answer = await fetch(new URL(path, import.meta.url)).catch(() => null);
  if (!answer?.ok) throw new SearchError(answer ? "broken" : "unreachable");
  return as(answer);
}
