// What went wrong, in words.

import { text } from "../../js/words.js";

/** @param error a StaffError */
export function faultOf({ status, detail }) {
  if (status === 0) return text("admin.fault.unreachable");
  if (status === 401) return text("admin.fault.key");
  if (status === 403) return text("admin.fault.off");
  return text("admin.fault.other", { detail: detail || text("error.broken.title") });
}
