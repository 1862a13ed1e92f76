"""The same with LitServe (https://lightning.ai/docs/litserve), which runs in an environment of its own.

    python serve_litserve.py MODEL.onnx PRODUCTS.npz SIZE_PX PORT

Photos come as base64 in JSON, as LitServe's documentation has them: it hands requests to its workers pickled, and a
file of a form that is larger than a megabyte lies on disk by then and cannot be pickled.
"""

from __future__ import annotations

import base64
import io
import os
import sys
from typing import Any

import litserve  # type: ignore[import-not-found]
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

MODEL, PRODUCTS, SIZE_PX, PORT = sys.argv[1:]
CORES = len(os.sched_getaffinity(0))


class Recommender(litserve.LitAPI):  # type: ignore[misc]
    """The twelve nearest products of a photo."""

    def setup(self, device: str) -> None:  # noqa: ARG002 (LitServe gives it)
        """Each worker has a session of its own, on one core."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(MODEL, options)
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.catalogue = dict(np.load(PRODUCTS))

    def decode_request(self, request: dict[str, str]) -> NDArray[np.uint8]:
        """A photo as the model takes it."""
        image = Image.open(io.BytesIO(base64.b64decode(request["photo"])))
        return np.asarray(image.convert("RGB").resize((int(SIZE_PX), int(SIZE_PX))))[None]

    def predict(self, photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How alike it is to every product."""
        found = dict(zip(self.outputs, self.session.run(None, {"photos": photo}), strict=True))
        similarity: NDArray[np.float32] = self.catalogue["embeddings"] @ found["embedding"][0]
        return similarity

    def encode_response(self, similarity: NDArray[np.float32]) -> dict[str, Any]:
        """The answer."""
        nearest = np.argsort(-similarity)[:12]
        ids = self.catalogue["ids"]
        return {
            "recommendations": [
                {"product": {"id": str(ids[at])}, "similarity": float(similarity[at])} for at in nearest
            ]
        }


if __name__ == "__main__":
    api = Recommender(api_path="/api/v1/recommendations")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=CORES, healthcheck_path="/readyz")
    server.run(port=int(PORT), generate_client_file=False, log_level="warning")
