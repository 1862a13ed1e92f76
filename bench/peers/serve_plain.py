"""A photo server as one writes it with FastAPI, ONNX Runtime and Pillow; for `bench_serve.py --peers`.

    python serve_plain.py MODEL.onnx PRODUCTS.npz SIZE_PX PORT

It does what a search does at least: decodes the photo, looks at it, compares it with every product.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, File, UploadFile
from PIL import Image

model, products, size_px, port = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1  # several photos at once: its quickest, of one thread, two and the default
session = onnxruntime.InferenceSession(model, options)
outputs = [output.name for output in session.get_outputs()]
catalogue = dict(np.load(products))  # read once: the file itself would be read at each access
app = FastAPI()


@app.get("/readyz")
def ready() -> dict[str, str]:
    """It is."""
    return {"status": "ready"}


@app.post("/api/v1/recommendations")
def recommend(photo: Annotated[UploadFile, File()]) -> dict[str, Any]:
    """The twelve nearest products."""
    image = Image.open(photo.file).convert("RGB").resize((int(size_px), int(size_px)))
    found = dict(zip(outputs, session.run(None, {"photos": np.asarray(image)[None]}), strict=True))
    similarity_P = catalogue["embeddings"] @ found["embedding"][0]
    nearest = np.argsort(-similarity_P)[:12]
    return {
        "recommendations": [
            {"product": {"id": str(catalogue["ids"][at])}, "similarity": float(similarity_P[at])} for at in nearest
        ]
    }


uvicorn.run(app, port=int(port), log_level="warning")
