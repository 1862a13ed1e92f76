// Which of the page's views is shown, in step with the browser's history and the address.
//
// start     choosing a photo          history.state.view "start"
// photo     what a photo looks like   "photo"; the photo is in memory alone, so that a fresh load is the start again
// like      products like another     "like", and `?like=ID` in the address, so that a link to it works

import { addressOf, readLike } from "./address.js";

/**
 * @param search see search.js
 * @param onStart called when the start is shown, with what is running ended
 */
export function createViews(state, search, { onStart }) {
  const linked = readLike(location.search); // before the address is written anew
  let depth = 0; // entries of this visit before the one that is shown

  function write(method, view) {
    const { filters, like } = state.get();
    history[method]({ view, depth }, "", addressOf(filters, like?.id ?? null, location));
  }

  function enter(view) {
    if (view === "photo" && history.state?.view === "photo") return write("replaceState", view); // another photo
    depth += 1;
    return write("pushState", view);
  }

  function showStart() {
    search.stop();
    state.set({ open: false, busy: false, like: null });
    onStart();
  }

  /** What this entry of the history is. */
  function show(entry, like) {
    depth = entry?.depth ?? 0;
    if (like) search.openLike(state.get().like?.id === like ? state.get().like : { id: like });
    else if (entry?.view === "photo" && state.get().photo) search.reopen();
    else showStart();
    write("replaceState", like ? "like" : state.get().open ? "photo" : "start"); // the filters stay as they are now
  }

  addEventListener("popstate", (event) => show(event.state, readLike(location.search)));

  return {
    openPhoto(file) {
      search.open(file);
      enter("photo");
    },
    openLike(product) {
      search.openLike(product);
      enter("like");
    },
    goToStart() {
      showStart();
      enter("start");
    },
    /** Back to where one came from, or to the start where that is another site. */
    leave() {
      if (depth > 0) return history.back();
      showStart();
      return write("replaceState", "start");
    },
    /** The first view of this visit, unless a photo was chosen by now. */
    begin: () => state.get().open || show(null, linked),
    /** The address after a change of the filters. */
    update: () => write("replaceState", history.state?.view ?? "start"),
  };
}
