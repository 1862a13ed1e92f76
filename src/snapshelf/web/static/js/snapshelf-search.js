// <snapshelf-search>: the search by photo within a page of the store's own shop. docs/embed.md says how it is used.

import { NO_FILTERS } from "./address.js";
import { fetchStore, recommend, SearchError } from "./api.js";
import { safeAddress } from "./dom.js";
import { createEmbedView } from "./embed-view.js";
import { styleSheet, wordsFor } from "./embed-files.js";
import { checkKind, checkSize } from "./photo-checks.js";
import { shrunk } from "./shrink.js";

const OWN_SERVER = new URL(import.meta.url).origin;
const LIMIT = 12;
const MOST = 48;
const SLOW_MS = 1000;

class SnapshelfSearch extends HTMLElement {
  static observedAttributes = ["server", "limit", "category", "in-stock"];

  #view = null; // once the texts are there
  #store = null;
  #photo = null; // {blob, upload}: the file, and the promise of what is sent of it
  #failed = null; // the SearchError that is shown
  #running = new AbortController();
  #timers = [];
  #whenOnline = () => this.#failed?.kind === "offline" && this.#again();

  connectedCallback() {
    addEventListener("online", this.#whenOnline);
    if (this.shadowRoot) return; // moved within the page
    this.attachShadow({ mode: "open" }).append(document.createElement("slot")); // the shop's own words till it is ready
    this.#begin();
  }

  disconnectedCallback() {
    removeEventListener("online", this.#whenOnline);
    this.#stop();
  }

  attributeChangedCallback(name, before, now) {
    if (before === now || !this.#view) return;
    if (name === "server") this.#open();
    else if (this.#photo) this.#search();
  }

  /** The origin of the server that is asked. */
  get server() {
    const wanted = safeAddress(this.getAttribute("server"));
    return wanted === null ? OWN_SERVER : new URL(wanted).origin;
  }

  /** Search with a photo: a File or Blob, as from the shop's own button. */
  search(blob) {
    const photo = { blob };
    this.#photo = photo;
    const show = (canvas) => this.#photo === photo && this.#view?.showPhoto(canvas);
    photo.upload = shrunk(blob, show);
    photo.upload.then((small) => this.#view?.preview(small, show));
    return this.#search();
  }

  async #begin() {
    try {
      const [sheet] = await Promise.all([styleSheet(), wordsFor(this)]);
      this.shadowRoot.adoptedStyleSheets = [sheet];
    } catch (error) {
      return this.#tell(new SearchError(error.kind ?? "unreachable")); // the slot stays: there is nothing to say it with
    }
    this.#view = createEmbedView(this, {
      onPhoto: (blob) => this.search(blob),
      onCancel: () => this.#cancel(),
      onAgain: () => this.#again(),
      onSelect: (item) => this.#send("snapshelf-select", item, { cancelable: true }),
    });
    this.shadowRoot.replaceChildren(this.#view.element);
    await this.#open();
  }

  /** Ask the server who it is: what is not allowed here is better known before a photo is chosen. */
  async #open() {
    this.#stop();
    const { signal } = (this.#running = new AbortController());
    this.#store = null;
    this.#view.showStart(this.server);
    try {
      const store = await fetchStore({ server: this.server });
      if (signal.aborted) return; // asked again meanwhile, as when a photo comes before the answer
      this.#store = store;
      this.#view.useAccent(store.accent);
      if (this.#photo) await this.#search();
    } catch (error) {
      if (!signal.aborted) this.#fail(error, { unavailable: true });
    }
  }

  async #search() {
    this.#stop();
    const { signal } = (this.#running = new AbortController());
    if (!this.#store) return this.#view && this.#open();
    this.#failed = null;
    this.#view.showWorking();
    this.#after(SLOW_MS, () => this.#view.showSlow());
    try {
      checkKind(this.#photo.blob);
      const upload = await this.#photo.upload;
      signal.throwIfAborted();
      checkSize(upload, this.#store);
      const answer = await recommend(upload, this.#filters, { topK: this.#limit, box: null, signal, server: this.server });
      if (signal.aborted) return;
      this.#stop();
      this.#view.showAnswer(answer, this.server);
      this.#send("snapshelf-results", { prediction: answer.prediction, recommendations: answer.recommendations });
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  get #filters() {
    const inStock = this.hasAttribute("in-stock") && this.getAttribute("in-stock") !== "false";
    return { ...NO_FILTERS, category: this.getAttribute("category") || null, in_stock: inStock || null };
  }

  get #limit() {
    const wanted = Number.parseInt(this.getAttribute("limit"), 10);
    return wanted >= 1 ? Math.min(wanted, MOST) : LIMIT;
  }

  #fail(found, { unavailable = false } = {}) {
    this.#stop();
    const error = found instanceof SearchError ? found : new SearchError("broken");
    this.#failed = error;
    this.#view.showError(error, { unavailable, server: this.server });
    if (error.waitS !== null) this.#after(1000 * error.waitS, () => this.#again());
    this.#tell(error);
  }

  /** To the shop: as an event, and for whoever built the page, what may be the reason. */
  #tell(error) {
    this.#send("snapshelf-error", { kind: error.kind });
    if (error.kind !== "unreachable") return;
    console.error(`<snapshelf-search>: ${this.server} gave no answer to ${location.origin}.
Is it running, is this origin in its SNAPSHELF_ALLOWED_ORIGINS, and does the policy (CSP) of this page allow it?`);
  }

  #again() {
    if (this.#photo && this.#store) this.#search();
    else this.#open();
  }

  #cancel() {
    this.#stop();
    this.#photo = null;
    this.#view.showStart(this.server, { focus: true });
  }

  #stop() {
    this.#running.abort();
    this.#timers.splice(0).forEach(clearTimeout);
  }

  #after(ms, act) {
    this.#timers.push(setTimeout(act, ms));
  }

  /** @returns whether the shop lets what follows happen */
  #send(type, detail, more = {}) {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, ...more }));
  }
}

if (!customElements.get("snapshelf-search")) customElements.define("snapshelf-search", SnapshelfSearch);
