"""Fashion-MNIST: 60,000 training and 10,000 test photos of clothes, 28 × 28 px and grey, in four IDX files.

MNIST and others have files of the same names and shapes; only what is in them tells them apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.sources.idx import IdxPhotos, IdxSet, find_sets, read_content
from snapshelf.errors import SourceError
from snapshelf.types import Photo

LABELS = ("t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
"""The categories, in the order of the files' numbers."""

SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""Of the decompressed content: Debian compresses the same files anew, so the .gz files themselves differ."""

NAMES = tuple(SHA256)
"""The four files; each may be compressed, with `.gz` after its name."""

_SIDE_PX = 28


def holds_fashion_mnist(folder: Path) -> bool:
    """Whether all four files lie in a folder, whatever they hold."""
    return all((folder / f"{name}.gz").is_file() or (folder / name).is_file() for name in NAMES)


def recognise_fashion_mnist(path: Path) -> str | None:
    """Why a path is Fashion-MNIST, or None: its name or its labels say it, as MNIST's files have the same names."""
    files = find_sets(path).get("") if path.is_dir() else None
    if files is None or set(files.parts) != {"train", "test"}:
        return None
    if "fashionmnist" in "".join(filter(str.isalnum, path.resolve().name.lower())):
        return "it is a folder with files of MNIST's form, and its name says so"
    labels = files.parts["test"].labels
    if labels and _has_sha256(labels, SHA256["t10k-labels-idx1-ubyte"]):
        return "it is a folder with files of MNIST's form, and their labels are Fashion-MNIST's (by their sha256)"
    return None


def _has_sha256(path: Path, expected: str) -> bool:
    try:
        return hashlib.sha256(read_content(path)).hexdigest() == expected
    except SourceError:
        return False


class FashionMnistSource:
    """The photos of the four files. A path is the split and the photo's number, such as `train/00012`."""

    format = "fashion-mnist"

    def __init__(self, folder: Path) -> None:
        """Read the files; they take 55 MB.

        Raises:
            SourceError: one is missing, broken, or not of Fashion-MNIST's form.
        """
        files = find_sets(folder).get("", IdxSet(folder, ""))
        for split, name in (("train", NAMES[0]), ("test", NAMES[2])):
            if split not in files.parts:
                raise SourceError(
                    f"{folder} has no {name}.gz. Expected the four files {', '.join(NAMES)}, with or without .gz"
                )
        self._photos = IdxPhotos(files)
        _check(folder, self._photos)

    def rows(self) -> Iterator[Photo]:
        """Every photo, training first, in the files' order."""
        for path, label, split in self._photos.rows():
            yield Photo(path, LABELS[label], split)

    def read(self, path: str) -> NDArray[np.uint8]:
        """One photo, (28, 28, 3): its grey in all three channels.

        Raises:
            PhotoError: there is no such photo.
        """
        return self._photos.read(path)

    def stamp(self, path: str) -> str:  # noqa: ARG002 (all photos lie in the same files)
        """The sizes and times of change of the four files."""
        return self._photos.stamp


def _check(folder: Path, photos: IdxPhotos) -> None:
    for split, shape in photos.shapes.items():
        if shape[1:] != (_SIDE_PX, _SIDE_PX):
            raise SourceError(f"{folder}: the {split} files hold photos {shape}; expected photos (N, 28, 28).")
        if photos.labels[split].max(initial=0) >= len(LABELS):
            raise SourceError(
                f"{folder}: a label of the {split} files is {photos.labels[split].max()}; expected 0 to 9."
            )
