// «Try one»: the store's sample photos.

import { fetchPhoto } from "./api.js";
import { byId, el, safeAddress } from "./dom.js";
import { capitalised, readable } from "./labels.js";
import { text } from "./words.js";

export function showSamples(samples, onPhoto) {
  const usable = (samples ?? []).filter((sample) => safeAddress(sample.url));
  byId("sample-row").replaceChildren(...usable.map((sample) => el("li", {}, sampleButton(sample, onPhoto))));
  byId("samples").hidden = usable.length === 0;
}

function sampleButton(sample, onPhoto) {
  const words = capitalised(readable(sample.label));
  const caption = el("span", { text: words });
  const picture = el("img", { src: safeAddress(sample.url), alt: "", width: 96, height: 96 });
  const choose = async () => {
    button.disabled = true;
    try {
      const photo = await fetchPhoto(safeAddress(sample.url));
      onPhoto(new File([photo], "sample", { type: photo.type }));
      caption.textContent = words;
    } catch {
      caption.textContent = text("samples.failed");
    } finally {
      button.disabled = false;
    }
  };
  const button = el("button", { class: "sample", type: "button", on: { click: choose } }, picture, caption);
  button.setAttribute("aria-label", text("samples.try", { label: sample.label }));
  return button;
}
