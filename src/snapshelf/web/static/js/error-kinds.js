// What each kind of failure looks like and what can be done about it. What it says is under `error.KIND`. Pure.

/** kind → {icon, actions}; actions, the likeliest first: retry, choose, lift (the filters). */
export const KINDS = {
  "too-large": { icon: "picture", actions: ["choose", "retry"] },
  "not-a-picture": { icon: "picture", actions: ["choose", "retry"] },
  heic: { icon: "picture", actions: ["choose", "retry"] },
  "bad-request": { icon: "alert", actions: ["lift", "choose"] },
  "too-many": { icon: "alert", actions: ["retry"] },
  busy: { icon: "alert", actions: ["retry"] },
  gone: { icon: "picture", actions: ["choose"] },
  offline: { icon: "offline", actions: ["retry"] },
  unreachable: { icon: "offline", actions: ["retry", "choose"] },
  broken: { icon: "alert", actions: ["retry", "choose"] },
};
