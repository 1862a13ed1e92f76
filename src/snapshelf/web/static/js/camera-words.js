// What the live camera's view says at each step. Pure.

/** step → {title, help, actions}; actions: start, choose, close (the likeliest first). */
export const CAMERA_WORDS = {
  ask: {
    title: "Use this device’s camera",
    help:
      "Your browser will ask whether this page may use it. Nothing leaves the device until you take a picture, " +
      "and that is used for this search only.",
    actions: ["start", "close"],
  },
  waiting: { title: "Waiting for the camera", help: "Please answer your browser’s question.", actions: ["close"] },
  live: { title: "Point it at one thing", help: "", actions: [] },
  denied: {
    title: "The camera is not allowed here",
    help:
      "You, or this device’s settings, said no. To change that, open the site settings beside the address, allow " +
      "the camera, and try again. Choosing a photo works without it.",
    actions: ["choose", "start", "close"],
  },
  missing: {
    title: "No camera was found",
    help: "Choose a photo instead, or connect a camera and try again.",
    actions: ["choose", "start", "close"],
  },
  taken: {
    title: "The camera can’t be started",
    help: "Another program may be using it. Close that and try again, or choose a photo.",
    actions: ["start", "choose", "close"],
  },
};

export const ACTION_WORDS = { choose: "Choose a photo", close: "Close" };
export const startWords = (step) => (step === "ask" ? "Continue" : "Try again");

/** What `getUserMedia` failed with, as a step. */
export function stepOf(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return "denied";
  return error.name === "NotFoundError" || error.name === "OverconstrainedError" ? "missing" : "taken";
}
