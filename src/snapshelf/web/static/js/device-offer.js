// «Recognise photos on this device»: the offer to fetch the model, how far that is, and what is kept.

import { el } from "./dom.js";
import { percent } from "./format.js";
import { forgetFiles, keepFiles, keptFiles, missingFiles } from "./on-device-files.js";
import { text } from "./words.js";

/**
 * @param section where it stands
 * @param onChange told whether something is kept
 */
export function createDeviceOffer(section, { onChange }) {
  let fetching = null;
  let failed = false;

  /** @param offered what the server says of it: {files}; null where it offers nothing (more), undefined: not known */
  async function show(offered) {
    if (fetching) return;
    if (offered === null) await forgetFiles();
    const kept = await keptFiles();
    onChange(kept !== null);
    const missing = offered ? await missingFiles(offered.files) : [];
    section.hidden = !kept && !offered;
    section.replaceChildren(...(kept ? keptParts(offered, missing) : offered ? offerParts(offered) : []));
  }

  const offerParts = (offered) => [
    line(failed ? "device.failed" : "device.offer"),
    button("device.fetch", { megabytes: megabytes(offered.files) }, () => fetchAll(offered)),
  ];

  const keptParts = (offered, missing) => [
    line(failed ? "device.failed" : missing.length > 0 ? "device.newer" : "device.kept"),
    ...(missing.length > 0
      ? [button("device.update", { megabytes: megabytes(missing) }, () => fetchAll(offered))]
      : []),
    button("device.remove", {}, () => forget(offered)),
  ];

  async function fetchAll(offered) {
    fetching = new AbortController();
    failed = false;
    const bar = el("progress", { max: "1", value: "0", "aria-label": text("device.fetching") });
    const said = line("device.fetching");
    section.replaceChildren(said, bar, button("device.cancel", {}, () => fetching.abort()));
    const onShare = (share) => {
      bar.value = share;
      bar.textContent = percent(share);
    };
    try {
      await keepFiles(offered.files, { signal: fetching.signal, onShare });
    } catch (error) {
      failed = error.name !== "AbortError";
    }
    fetching = null;
    await show(offered);
    section.querySelector("button")?.focus({ preventScroll: true });
  }

  async function forget(offered) {
    await forgetFiles();
    failed = false;
    await show(offered);
    section.querySelector("button")?.focus({ preventScroll: true });
  }

  return { show };
}

const megabytes = (files) => Math.max(1, Math.round(files.reduce((sum, file) => sum + file.num_bytes_sent, 0) / 1e6));

const line = (key) => el("p", { class: "quiet small", role: "status", text: text(key) });

const button = (key, values, onClick) =>
  el("button", { class: "text-button", type: "button", text: text(key, values), on: { click: onClick } });
