"""Fetch ONNX Runtime Web from npm into src/snapshelf/web/runtime, at the version and hash that stand below.

It lets customers' devices recognise photos without a connection (docs/page.md). Run by `make web-runtime`; needs npm.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "onnxruntime-web@1.30.0"
SHA512 = (
    "ab4cbe26baedba45d2cec05610c71c55fa97db92d19a8b171c5f8269126683ca"
    "590a5cdc57bb2f35ce2b298de32f4d956fb42644c0ecd528a0a91e025c07ca61"
)
RUNTIME = Path(__file__).parents[1] / "src" / "snapshelf" / "web" / "runtime"
PLAIN = ("ort.wasm.bundle.min.mjs",)
COMPRESSED = ("ort-wasm-simd-threaded.wasm",)
"""A quarter of its size; it is sent as it lies."""


def main() -> int:
    """Fetch, check, unpack; 1 where that can't be done."""
    npm = shutil.which("npm")
    if npm is None:
        return told(f"npm was not found, so {PACKAGE} is not fetched: only the server recognises photos")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", PACKAGE, "--json", "--ignore-scripts", "--pack-destination", folder]
        packed = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
        if packed.returncode != 0:
            return told(f"npm could not fetch {PACKAGE} (exit code {packed.returncode})")
        content = (Path(folder) / json.loads(packed.stdout)[0]["filename"]).read_bytes()
    found = hashlib.sha512(content).hexdigest()
    if found != SHA512:
        return told(f"{PACKAGE} has the sha512 {found}; expected {SHA512}. Nothing was unpacked.")
    unpack(content)
    return 0


def told(trouble: str) -> int:
    """Say it; the exit code."""
    print(trouble, file=sys.stderr)
    return 1


def unpack(content: bytes) -> None:
    """The few files that are needed, of the package's many."""
    RUNTIME.mkdir(exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for name in (*PLAIN, *COMPRESSED):
            member = archive.extractfile(f"package/dist/{name}")
            if member is None:
                raise FileNotFoundError(name)
            data = member.read()
            if name in COMPRESSED:
                name, data = f"{name}.gz", gzip.compress(data, 9, mtime=0)  # noqa: PLW2901
            (RUNTIME / name).write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
