"""Writing so that a reader sees the old state or the new one, never half of it, also after a power cut."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def published_folder(final: Path) -> Iterator[Path]:
    """Give a temporary folder beside `final`; sync it and rename it to `final` when the block ends without error.

    An older `final` is replaced. On an error the temporary folder is removed and `final` stays as it was.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    work = final.parent / f".{final.name}.{os.getpid()}.tmp"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
        publish_folder(work, final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def publish_folder(work: Path, final: Path) -> None:
    """Sync every file of `work` and rename it to `final`, replacing what was there."""
    for path in work.rglob("*"):
        _sync(path)
    _sync(work)
    replaced = final.parent / f".{final.name}.{os.getpid()}.old"
    if final.exists():
        final.rename(replaced)
    work.rename(final)
    _sync(final.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replace a file's content by a rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.parent / f".{path.name}.{os.getpid()}.tmp"
    work.write_bytes(content.encode() if isinstance(content, str) else content)
    _sync(work)
    work.replace(path)
    _sync(path.parent)


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_commit() -> str | None:
    """The commit of the checkout that this code runs from, or None where it was installed from a wheel."""
    checkout = Path(__file__).parents[3]
    if not (checkout / "pyproject.toml").exists():
        return None
    try:
        answer = subprocess.run(  # noqa: S603 (a fixed command without a shell)
            ["git", "-C", str(checkout), "rev-parse", "HEAD"],  # noqa: S607 (git wherever it is)
            capture_output=True, text=True, check=False, timeout=5,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
