"""Fashion-MNIST: 60,000 training and 10,000 test photos of clothes, 28 × 28 px and grey, in four IDX files.

Shapes: N photos, H = W = 28 pixels. Format: http://yann.lecun.com/exdb/mnist, «the IDX file format».
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.sources.files import file_stamp
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo, Split

LABELS = ("t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
"""The categories, in the order of the files' numbers."""

_PARTS: dict[Split, str] = {"train": "train", "test": "t10k"}
_IMAGES, _LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
NAMES = tuple(f"{part}-{kind}" for part in _PARTS.values() for kind in (_IMAGES, _LABELS))
"""The four files; each may be compressed, with `.gz` after its name."""


def holds_fashion_mnist(folder: Path) -> bool:
    """Whether all four files lie in a folder."""
    return all(_find(folder, name) for name in NAMES)


def recognise_fashion_mnist(path: Path) -> str | None:
    """Why a path is Fashion-MNIST, or None."""
    return "it is a folder with the four Fashion-MNIST files" if holds_fashion_mnist(path) else None


class FashionMnistSource:
    """The photos of the four files. A path is the split and the photo's number, such as `train/00012`."""

    format = "fashion-mnist"

    def __init__(self, folder: Path) -> None:
        """Read the files; they take 55 MB.

        Raises:
            SourceError: one is missing, broken, or not of Fashion-MNIST's form.
        """
        self._photos: dict[str, NDArray[np.uint8]] = {}
        self._labels: dict[str, NDArray[np.uint8]] = {}
        for split, part in _PARTS.items():
            photos_NHW = _read_idx(folder, f"{part}-{_IMAGES}", num_dimensions=3)
            labels_N = _read_idx(folder, f"{part}-{_LABELS}", num_dimensions=1)
            _check(folder, part, photos_NHW, labels_N)
            self._photos[split], self._labels[split] = photos_NHW, labels_N
        self._stamp = "+".join(file_stamp(path) for name in NAMES if (path := _find(folder, name)))

    def rows(self) -> Iterator[Photo]:
        """Every photo, training first, in the files' order."""
        for split in _PARTS:
            for number, label in enumerate(self._labels[split]):
                yield Photo(f"{split}/{number:05}", LABELS[label], split)

    def read(self, path: str) -> NDArray[np.uint8]:
        """One photo, (28, 28, 3): its grey in all three channels.

        Raises:
            PhotoError: there is no such photo.
        """
        split, _, number = path.partition("/")
        try:
            grey_HW = self._photos[split][int(number)]
        except (KeyError, ValueError, IndexError):
            raise PhotoError(f"Fashion-MNIST has no photo {path!r}; expected one such as 'train/00012'.") from None
        return np.repeat(grey_HW[:, :, None], 3, axis=2)

    def stamp(self, path: str) -> str:  # noqa: ARG002 (all photos lie in the same files)
        """The sizes and times of change of the four files."""
        return self._stamp


def read_content(path: Path) -> bytes:
    """A file's content, decompressed where its name ends in `.gz`.

    Raises:
        SourceError: it cannot be read or decompressed.
    """
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path} cannot be read ({error}). Remove it and prepare again.") from None


def _find(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _read_idx(folder: Path, name: str, num_dimensions: int) -> NDArray[np.uint8]:
    """Unsigned bytes: two zeros, the type 8, the number of dimensions, their sizes as big-endian 32 bits, the data."""
    path = _find(folder, name)
    if path is None:
        raise SourceError(f"{folder} has no {name}.gz. Expected the four files {', '.join(NAMES)}, with or without .gz")
    content = read_content(path)
    head = 4 + 4 * num_dimensions
    if content[:4] != bytes([0, 0, 8, num_dimensions]) or len(content) < head:
        raise SourceError(f"{path} begins with {content[:4].hex()}; expected 000008{num_dimensions:02}, an IDX file.")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", num_dimensions, offset=4))
    if len(content) - head != int(np.prod(shape)):
        raise SourceError(f"{path} says that it holds {shape}, but {len(content) - head:,} bytes follow.")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


def _check(folder: Path, part: str, photos_NHW: NDArray[np.uint8], labels_N: NDArray[np.uint8]) -> None:
    if photos_NHW.shape[1:] != (28, 28) or len(photos_NHW) != len(labels_N):
        raise SourceError(
            f"{folder}: the {part} files hold photos {photos_NHW.shape} and {len(labels_N)} labels; "
            "expected photos (N, 28, 28) and N labels."
        )
    if labels_N.max(initial=0) >= len(LABELS):
        raise SourceError(f"{folder}: a label of the {part} files is {labels_N.max()}; expected 0 to 9.")
