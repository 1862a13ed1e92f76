"""Finding Fashion-MNIST's four files on this machine, or fetching them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from snapshelf.artifacts.publish import published_folder
from snapshelf.data.sources.fashion_mnist import NAMES, SHA256, holds_fashion_mnist
from snapshelf.data.sources.idx import read_content
from snapshelf.errors import SourceError
from snapshelf.progress import console

INSTALLED = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package lies once it is installed."""

PACKAGE = "dataset-fashion-mnist"
ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"

_LARGEST_BYTES = 40_000_000
_TIME_LIMIT_S = 300

Way = tuple[str, Callable[[Path], None]]
"""How the files may be fetched, in words, and what puts them into a folder."""


def find_or_fetch(downloads: Path, installed: Path = INSTALLED, ways: tuple[Way, ...] | None = None) -> Path:
    """The folder with the four files, their sha256 checked.

    They are looked for where Debian installs them and among the store's downloads; else fetched by apt, else from
    their official address, and kept in `downloads/fashion-mnist`.

    Raises:
        SourceError: none of these worked; says why for each, and what can be done by hand.
    """
    kept = downloads / "fashion-mnist"
    reasons: list[str] = []
    for folder in (installed, kept):
        if holds_fashion_mnist(folder):
            try:
                check(folder)
            except SourceError as error:
                reasons.append(f"{folder}: {error}")
            else:
                return folder
    for name, fetch in WAYS if ways is None else ways:
        console.print(f"Getting Fashion-MNIST (30 MB): {name}")
        try:
            with published_folder(kept) as work:
                fetch(work)
                check(work)
        except (SourceError, OSError, subprocess.SubprocessError) as error:
            reasons.append(f"{name}: {_brief(error)}")
        else:
            return kept
    raise SourceError(_all_ways(kept, installed, reasons))


def check(folder: Path) -> None:
    """Compare the four files with their known sha256.

    Raises:
        SourceError: naming the file, what it has and what was expected.
    """
    for name in NAMES:
        path = folder / f"{name}.gz"
        found = hashlib.sha256(read_content(path if path.is_file() else folder / name)).hexdigest()
        if found != SHA256[name]:
            raise SourceError(f"the content of {name} has the sha256 {found}; expected {SHA256[name]}")


def _by_apt(folder: Path) -> None:
    """Let apt fetch and check Debian's package, and unpack it here: neither needs root."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise SourceError("this machine has no apt-get and dpkg-deb")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        try:
            _run(["apt-get", "download", *_unsandboxed(), PACKAGE], work)
        except subprocess.CalledProcessError:
            private = _private_lists(work)  # a fresh container has no lists, and only root may fill the shared ones
            _run(["apt-get", "update", *private], work)
            _run(["apt-get", "download", *private, PACKAGE], work)
        for package in work.glob(f"{PACKAGE}_*.deb"):
            _run(["dpkg-deb", "-x", str(package), str(work / "content")], work)
        for file in (work / "content" / INSTALLED.relative_to("/")).glob("*.gz"):
            shutil.copyfile(file, folder / file.name)


def _unsandboxed() -> list[str]:
    """Root's apt would hand the download to a user who may not write into a temporary folder."""
    return ["-o", "APT::Sandbox::User=root"]


def _private_lists(work: Path) -> list[str]:
    lists, cache = work / "lists", work / "cache"
    for folder in (lists / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True)
    return [*_unsandboxed(), "-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}"]


def _run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=_TIME_LIMIT_S)  # noqa: S603 (fixed commands without a shell)


def _by_address(folder: Path) -> None:
    deadline = time.monotonic() + _TIME_LIMIT_S
    for name in NAMES:
        with (
            urllib.request.urlopen(f"{ADDRESS}/{name}.gz", timeout=30) as answer,  # noqa: S310 (a fixed http address)
            (folder / f"{name}.gz").open("wb") as file,
        ):
            while block := answer.read(1 << 20):
                file.write(block)
                if time.monotonic() > deadline:
                    raise SourceError(f"it took longer than {_TIME_LIMIT_S} s")
                if file.tell() > _LARGEST_BYTES:
                    raise SourceError(f"{name}.gz is larger than {_LARGEST_BYTES:,} bytes")


def _brief(error: Exception) -> str:
    said = getattr(error, "stderr", None)  # what a failed command wrote
    text = said.decode(errors="replace") if isinstance(said, bytes) and said.strip() else str(error)
    return text.strip().splitlines()[-1][:300]


def _all_ways(kept: Path, installed: Path, reasons: list[str]) -> str:
    tried = "".join(f"\n  - {reason}" for reason in reasons)
    return (
        f"Fashion-MNIST is not on this machine and could not be fetched.{tried}\n"
        "Do one of these, then run the same command again:\n"
        f"  1. install Debian's package: sudo apt-get install {PACKAGE} (it lies in {installed})\n"
        f"  2. fetch that package without root: apt-get download {PACKAGE} && dpkg-deb -x {PACKAGE}_*.deb unpacked, "
        f"and prepare the folder unpacked{INSTALLED}\n"
        f"  3. download {', '.join(f'{name}.gz' for name in NAMES)} from {ADDRESS}/ into {kept}"
    )


WAYS: tuple[Way, ...] = (
    (f"apt-get download {PACKAGE}", _by_apt),
    (f"download from {ADDRESS}", _by_address),
)
