// The steps of the live camera's view, and what can be done at each. What they say is under `camera.STEP`. Pure.

/** step → actions: start, choose, close (the likeliest first). */
export const ACTIONS = {
  ask: ["start", "close"],
  waiting: ["close"],
  live: [],
  denied: ["choose", "start", "close"],
  missing: ["choose", "start", "close"],
  taken: ["start", "choose", "close"],
};

/** What `getUserMedia` failed with, as a step. */
export function stepOf(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return "denied";
  return error.name === "NotFoundError" || error.name === "OverconstrainedError" ? "missing" : "taken";
}
