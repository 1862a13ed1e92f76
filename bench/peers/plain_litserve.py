"""A LitServe program: python plain_litserve.py MODEL EMBEDDINGS PORT [WORKERS]"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import litserve
from fastapi import UploadFile
from plain import Finder


class Recommend(litserve.LitAPI):  # type: ignore[misc]  # installed for the bench alone
    """The nearest products of a photo."""

    def setup(self, device: str) -> None:
        """In each of its worker processes."""
        del device
        self.finder = Finder(Path(sys.argv[1]), Path(sys.argv[2]))

    async def decode_request(self, request: dict[str, UploadFile]) -> bytes:
        """The photo's file."""
        return await request["photo"].read()

    def predict(self, photo: bytes) -> dict[str, Any]:
        """What it looks like."""
        found: dict[str, Any] = self.finder.find(photo)
        return found

    def encode_response(self, found: dict[str, Any]) -> dict[str, Any]:
        """As it is."""
        return found


if __name__ == "__main__":
    api = Recommend(api_path="/api/v1/recommendations")
    workers = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=workers, healthcheck_path="/readyz")
    server.run(host="127.0.0.1", port=int(sys.argv[3]), generate_client_file=False, log_level="warning")
