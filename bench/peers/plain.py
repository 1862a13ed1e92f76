"""What both peers do with a photo: Pillow, the same ONNX file, and a product of matrices for the nearest products."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


class Finder:
    """A model's folder, and embeddings of products."""

    def __init__(self, model: Path, embeddings: Path) -> None:
        self.size_px = json.loads((model / "card.json").read_text())["preprocess"]["size_px"]
        self.session = onnxruntime.InferenceSession(model / "model.onnx", providers=["CPUExecutionProvider"])
        self.embeddings_ND = np.load(embeddings)

    def find(self, photo: bytes) -> dict[str, Any]:
        """The nearest products."""
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(photo))).convert("RGB")
        photo_SSC = np.asarray(image.resize((self.size_px, self.size_px), Image.Resampling.BILINEAR))
        (embedding_D,) = self.session.run(["embedding"], {"photos": photo_SSC[None]})
        similarity_N = self.embeddings_ND @ embedding_D[0]
        nearest = np.argsort(-similarity_N)[:12]
        return {"products": nearest.tolist(), "similarity": similarity_N[nearest].tolist()}
