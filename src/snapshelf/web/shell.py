"""The page's own files as a whole, so that a browser can keep them and show the page without a connection."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from snapshelf import __version__

VERSION_HEADER = "Shell-Version"
"""What the pages carry: the server draws them, so no hash is known of them beforehand."""

_SERVICE_WORKER = "service-worker.js"
_OF_OTHERS = ("admin", "embed", "snapshelf-search", _SERVICE_WORKER)
"""How files and folders begin that the customers' page does not use."""


@dataclass(frozen=True)
class Shell:
    """What the page consists of.

    Attributes:
        version: the beginning of a hash over all static files and templates: another one after any change.
        files: address → integrity as browsers check it (`sha256-…`, base64).
        service_worker: the script that keeps them, with both of these in its first line.
    """

    version: str
    files: dict[str, str]
    service_worker: str


def read_shell(static: Path, templates: Path) -> Shell:
    """The shell of a folder of static files and of the pages' templates, as they are now.

    What is kept is checked, file by file: where a server is replaced while a browser fetches them, old and new ones are
    never mixed.
    """
    files = _contents(static)
    whole = hashlib.sha256(__version__.encode())
    for contents in (files, _contents(templates)):
        for name, content in contents.items():
            whole.update(f"{name}\0{len(content)}\0".encode() + content)
    version = whole.hexdigest()[:16]
    kept = {f"/static/{name}": _integrity(content) for name, content in files.items() if _is_the_pages(name)}
    known = json.dumps({"version": version, "versionHeader": VERSION_HEADER, "files": kept})
    script = files[_SERVICE_WORKER].decode("utf-8")
    return Shell(version, kept, f"const SHELL = {known};\n{script}")


def _contents(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _is_the_pages(name: str) -> bool:
    return not any(part.startswith(_OF_OTHERS) for part in name.split("/"))


def _integrity(content: bytes) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")
