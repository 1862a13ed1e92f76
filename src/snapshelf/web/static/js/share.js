// «Share»: a link to what is shown. It never holds the photo: for one, it leads to products like the best match.

import { addressOf } from "./address.js";
import { byId } from "./dom.js";
import { text } from "./words.js";

export function offerShare(button, state) {
  const said = byId("share-said");
  state.subscribe((now, before) => {
    button.hidden = sharedProduct(now) === null;
    if (now.answer !== before.answer) said.textContent = "";
  });
  button.addEventListener("click", async () => {
    const now = state.get();
    const url = new URL(addressOf(now.filters, sharedProduct(now), location), location.href).href;
    said.textContent = await share(url, text(now.like === null ? "share.done_photo" : "share.done"));
  });
}

/** The id of the product that the link leads to. */
const sharedProduct = ({ like, answer, error }) =>
  error ? null : (like?.id ?? answer?.recommendations[0]?.product.id ?? null);

/** By the device's own means where there are some, else by copying. @returns what to say of it */
async function share(url, done) {
  try {
    if (navigator.share && matchMedia("(pointer: coarse)").matches) {
      await navigator.share({ title: document.title, url });
      return "";
    }
    await navigator.clipboard.writeText(url);
    return done;
  } catch (error) {
    return error.name === "AbortError" ? "" : text("share.failed");
  }
}
