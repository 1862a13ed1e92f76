// The staff's part of the server's API. The key is kept in this tab's memory and nowhere else.

const BASE = "/api/v1";

let key = "";

export const useKey = (given) => {
  key = given;
};

/** What the server refused. `status` is 0 where it could not be reached; `detail` is in its own words. */
export class StaffError extends Error {
  constructor(status, detail = "") {
    super(detail);
    this.status = status;
    this.detail = detail;
  }
}

export const fetchFeedback = (state, { offset = 0, limit = 50 } = {}) =>
  json(`/admin/feedback?${new URLSearchParams({ state, offset, limit })}`);

/** @returns {Promise<Blob>} */
export const fetchFeedbackPhoto = async (id) => (await send(`/admin/feedback/${id}/photo`)).blob();

/** @param review {state, label} */
export const reviewFeedback = (id, review) => json(`/admin/feedback/${id}/review`, put(review));

export const findProducts = (wanted) => json(`/products?${new URLSearchParams(wanted)}`);

export const fetchProduct = (id) => json(`/products/${encodeURIComponent(id)}`);

export const putProduct = (id, product) => json(`/products/${encodeURIComponent(id)}`, put(product));

/** Outlives the page (keepalive), since it waits until the time to undo has passed. */
export const deleteProduct = (id) =>
  send(`/products/${encodeURIComponent(id)}`, { method: "DELETE", keepalive: true });

export const fetchModels = async () => (await json("/admin/models")).models;

export const useModel = async (id) => (await json("/admin/models/current", put({ id }))).models;

export const fetchHealth = () => json("/admin/health");

const put = (body) => ({
  method: "PUT", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
});

async function json(path, options) {
  return (await send(path, options)).json();
}

async function send(path, options = {}) {
  const headers = { ...options.headers, Authorization: `Bearer ${key}` };
  let response;
  try {
    response = await fetch(`${BASE}${path}`, { ...options, headers, cache: "no-store" });
  } catch {
    throw new StaffError(0);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new StaffError(response.status, problem.detail);
}
