"""What a customer's device needs to recognise photos by itself: a model made for it, and ONNX Runtime Web."""

from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from snapshelf.artifacts.store import Store

RUNTIME = Path(__file__).parent / "runtime"
"""Filled by `make web-runtime`; a wheel has it inside."""

Name = Literal["model.onnx", "recipe.json", "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]

_MEDIA_TYPES: dict[Name, str] = {
    "model.onnx": "application/octet-stream",
    "recipe.json": "application/json",
    "ort.wasm.bundle.min.mjs": "text/javascript",
    "ort-wasm-simd-threaded.wasm": "application/wasm",
}


@dataclass(frozen=True, slots=True)
class DeviceFile:
    """A file that a device fetches once."""

    name: Name
    path: Path
    sha256: str
    """Of what the device gets, uncompressed; 64 hexadecimal digits."""
    num_bytes: int
    """Uncompressed."""
    num_bytes_sent: int
    is_compressed: bool
    """Whether the file at `path` is compressed by gzip."""

    @property
    def url(self) -> str:
        """Good for ever: it names the content."""
        return f"/on-device/{self.sha256[:16]}/{self.name}"

    @property
    def integrity(self) -> str:
        """As browsers check it."""
        return "sha256-" + base64.b64encode(bytes.fromhex(self.sha256)).decode("ascii")

    @property
    def media_type(self) -> str:
        """As the server says it."""
        return _MEDIA_TYPES[self.name]


def device_files(store: Store | None, model_id: str) -> tuple[DeviceFile, ...]:
    """What a device needs for a model of the store; nothing where it was not exported for devices, or where this
    snapshelf was installed without what runs it there."""
    if store is None:
        return ()
    exported = store.export_folder(model_id, "web")
    files = [
        _read("model.onnx", exported / "model.onnx"),
        _read("recipe.json", exported / "recipe.json"),
        _read("ort.wasm.bundle.min.mjs", RUNTIME / "ort.wasm.bundle.min.mjs"),
        _read("ort-wasm-simd-threaded.wasm", RUNTIME / "ort-wasm-simd-threaded.wasm.gz"),
    ]
    found = tuple(file for file in files if file)
    return found if len(found) == len(files) else ()


def _read(name: Name, path: Path) -> DeviceFile | None:
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _hashed(name, path, changed)


@lru_cache(maxsize=32)
def _hashed(name: Name, path: Path, changed: int) -> DeviceFile:  # noqa: ARG001 (read again when it changed)
    sent = path.read_bytes()
    content = gzip.decompress(sent) if path.suffix == ".gz" else sent
    sha256 = hashlib.sha256(content).hexdigest()
    return DeviceFile(name, path, sha256, len(content), len(sent), sent is not content)
