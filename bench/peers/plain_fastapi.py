"""A plain FastAPI program: python plain_fastapi.py MODEL EMBEDDINGS PORT"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, UploadFile
from plain import Finder

app = FastAPI()
finder = Finder(Path(sys.argv[1]), Path(sys.argv[2]))


@app.get("/readyz")
def ready() -> dict[str, str]:
    """It answers."""
    return {"status": "ready"}


@app.post("/api/v1/recommendations")
def recommend(photo: UploadFile) -> dict[str, Any]:
    """The nearest products of a photo; FastAPI runs this in one of its threads."""
    found: dict[str, Any] = finder.find(photo.file.read())
    return found


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[3]), log_level="warning")
