"""The page's own files as a whole, so that a browser can keep them and show the page without a connection."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

_PAGES = {"index.html": "/", "privacy.html": "/privacy"}
_SERVICE_WORKER = "service-worker.js"
_OF_OTHERS = ("admin", "embed", "snapshelf-search", _SERVICE_WORKER)
"""How files and folders begin that the customers' page does not use."""


@dataclass(frozen=True)
class Shell:
    """What the page consists of.

    Attributes:
        version: the beginning of a hash over all static files: another one after any change.
        files: address → integrity as browsers check it (`sha256-…`, base64).
        service_worker: the script that keeps them, with both of these in its first line.
    """

    version: str
    files: dict[str, str]
    service_worker: str


def read_shell(static: Path) -> Shell:
    """The shell of a folder of static files, as they are now.

    What is kept is checked by its hash, file by file: where a server is replaced while a browser fetches them, old and
    new ones are never mixed.
    """
    contents = {path.relative_to(static).as_posix(): path.read_bytes() for path in _files(static)}
    whole = hashlib.sha256()
    for name, content in contents.items():
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    files = {address: _integrity(content) for name, content in contents.items() if (address := _address(name))}
    version = whole.hexdigest()[:16]
    known = json.dumps({"version": version, "files": files})
    script = contents[_SERVICE_WORKER].decode("utf-8")
    return Shell(version, files, f"const SHELL = {known};\n{script}")


def _files(static: Path) -> list[Path]:
    return sorted(path for path in static.rglob("*") if path.is_file())


def _address(name: str) -> str | None:
    """Where the page finds a file; None for what it does not use."""
    if name.endswith(".html"):
        return _PAGES.get(name)
    is_of_others = any(part.startswith(_OF_OTHERS) for part in name.split("/"))
    return None if is_of_others else f"/static/{name}"


def _integrity(content: bytes) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")
