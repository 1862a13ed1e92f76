// The part of the photo that is searched for: a box, moved and sized by finger, mouse, keyboard or buttons.

import { centred, cornerMoved, MIDDLE, moved, pictureIn, sized, STEP } from "./boxes.js";
import { byId } from "./dom.js";
import { share } from "./format.js";
import { text } from "./words.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const TAP_PX = 6; // a press that moves less is a tap
const SAY_AFTER_MS = 600; // said when the box rests, not at each step

/**
 * @param onBox takes the new box, or null for the whole photo
 * @param say to those who listen to the page
 * @returns what keeps the box in step with the state
 */
export function startCrop({ onBox, say }) {
  const [stage, box, photo] = [byId("crop-stage"), byId("crop-box"), byId("photo")];
  let now = null; // the state that is shown
  let saying = 0;

  function change(next) {
    onBox(next);
    clearTimeout(saying);
    saying = setTimeout(() => say(placeOf(next)), SAY_AFTER_MS);
  }

  function close() {
    const hadFocus = ["crop", "crop-tools"].some((id) => byId(id).contains(document.activeElement));
    change(null);
    if (hadFocus) byId("crop-open").focus();
  }

  /** Over the picture itself, which may leave room at two sides of its frame. */
  function place() {
    if (!photo.naturalWidth) return;
    const frame = { width: stage.parentElement.clientWidth, height: stage.parentElement.clientHeight };
    const { left, top, width, height } = pictureIn(frame, { width: photo.naturalWidth, height: photo.naturalHeight });
    for (const [name, value] of Object.entries({ left, top, width, height })) stage.style[name] = `${value}px`;
  }

  photo.addEventListener("load", place);
  new ResizeObserver(place).observe(stage.parentElement);

  byId("crop-open").addEventListener("click", () => {
    change(MIDDLE);
    box.focus();
  });
  byId("crop-whole").addEventListener("click", close);
  for (const button of document.querySelectorAll("[data-size]")) {
    const [dw, dh] = button.dataset.size.split(",").map(Number);
    button.addEventListener("click", () => change(sized(now.box, 2 * STEP * dw, 2 * STEP * dh)));
  }
  box.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return undefined;
    event.preventDefault(); // the page would scroll
    const [dx, dy] = arrow.map((direction) => direction * STEP);
    return change(event.shiftKey ? sized(now.box, dx, dy) : moved(now.box, dx, dy));
  });
  byId("crop").addEventListener("keydown", (event) => event.key === "Escape" && now.box && close());
  listenForPointers(stage, { current: () => now.box, change });

  return (state) => {
    now = state;
    showBox(state);
  };
}

/** Where the box is, for those who don't see it. */
function placeOf(box) {
  if (!box) return text("crop.all");
  return text("crop.place", Object.fromEntries(Object.entries(box).map(([side, part]) => [side, share(part)])));
}

function showBox({ box, photo, like, error, answer }) {
  const possible = photo !== null && like === null;
  const searchable = possible && (answer !== null || box !== null) && !(error && box === null);
  byId("crop").hidden = !possible;
  byId("crop-open").hidden = box !== null || !searchable;
  byId("crop-tools").hidden = box === null || !possible;
  byId("panel-actions").hidden = !byId("crop-tools").hidden;
  const frame = byId("crop-box");
  frame.hidden = box === null;
  if (!box) return;
  for (const [name, part] of [["left", box.x], ["top", box.y], ["width", box.w], ["height", box.h]]) {
    frame.style[name] = `${part * 100}%`;
  }
}

/** A finger or mouse moves the box or one of its corners; a tap beside or in it brings its middle there. */
function listenForPointers(stage, { current, change }) {
  stage.addEventListener("pointerdown", (event) => {
    const first = current();
    if (!first || event.button !== 0) return;
    event.preventDefault(); // no text is chosen, no picture dragged
    byId("crop-box").focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    const place = stage.getBoundingClientRect();
    const { corner } = event.target.dataset;
    const inBox = event.target.closest("#crop-box") !== null;
    let dragged = false;
    const onMove = (now) => {
      const [px, py] = [now.clientX - event.clientX, now.clientY - event.clientY];
      dragged ||= Math.hypot(px, py) >= TAP_PX;
      if (!dragged || !inBox) return;
      const [dx, dy] = [px / place.width, py / place.height];
      change(corner ? cornerMoved(first, corner, dx, dy) : moved(first, dx, dy));
    };
    const onEnd = (now) => {
      stage.removeEventListener("pointermove", onMove);
      stage.removeEventListener("pointerup", onEnd);
      stage.removeEventListener("pointercancel", onEnd);
      if (dragged || corner || now.type === "pointercancel") return;
      change(centred(first, (now.clientX - place.left) / place.width, (now.clientY - place.top) / place.height));
    };
    stage.addEventListener("pointermove", onMove);
    stage.addEventListener("pointerup", onEnd);
    stage.addEventListener("pointercancel", onEnd);
  });
}
