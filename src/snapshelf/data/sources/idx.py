"""IDX files: grey photos and their labels in the form of MNIST, whoever made them.

Shapes: N photos, H × W pixels. Format: http://yann.lecun.com/exdb/mnist, «the IDX file format».
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.sources.files import file_stamp
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import SPLITS, Split

_NAME = re.compile(
    r"(?P<prefix>.*?)(?P<part>train|t10k|test|validation|valid|val)-"
    r"(?P<kind>images[-.]idx3|labels[-.]idx1)-ubyte(?P<compressed>\.gz)?"
)
_SPLITS: dict[str, Split] = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "t10k": "test",
    "test": "test",
}
_LARGEST_BYTES = 4_000_000_000
_BLOCK_BYTES = 1 << 20


@dataclass(slots=True)
class IdxPart:
    """The two files of one split."""

    images: Path | None = None
    labels: Path | None = None


@dataclass(slots=True)
class IdxSet:
    """The files of one data set. `prefix` is what their names begin with, such as `emnist-letters-`, or nothing."""

    folder: Path
    prefix: str
    parts: dict[Split, IdxPart] = field(default_factory=dict)


def find_sets(folder: Path) -> dict[str, IdxSet]:
    """The data sets that lie in a folder, by their prefix. Of a file that lies there twice, the compressed one counts.

    Names are MNIST's (`train-images-idx3-ubyte.gz`, `t10k-labels-idx1-ubyte`), also with a dot before `idx`, and
    EMNIST's (`emnist-letters-test-images-idx3-ubyte.gz`).
    """
    sets: dict[str, IdxSet] = {}
    try:
        files = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file())
    except OSError:
        return {}
    for path in files:  # what is compressed comes after what is not
        found = _NAME.fullmatch(path.name)
        if found:
            part = sets.setdefault(found["prefix"], IdxSet(folder, found["prefix"])).parts
            pair = part.setdefault(_SPLITS[found["part"]], IdxPart())
            setattr(pair, "images" if found["kind"].startswith("images") else "labels", path)
    return sets


def read_content(path: Path) -> bytes | bytearray:
    """A file's content, decompressed where its name ends in `.gz`.

    Raises:
        SourceError: it cannot be read or decompressed, or is over 4 GB.
    """
    content = bytearray()
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                content += block
                if len(content) > _LARGEST_BYTES:
                    raise SourceError(
                        f"{path} holds more than {_LARGEST_BYTES:,} bytes; no set of this form is so large."
                    )
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path} cannot be read ({error}). Remove it and prepare again.") from None
    return content


class IdxPhotos:
    """The photos of a data set's files, kept as the bytes they are. A path is the split and the photo's number, such
    as `train/00012`.
    """

    def __init__(self, files: IdxSet, *, transposed: bool = False) -> None:
        """Read the files.

        Args:
            files: what `find_sets` found.
            transposed: whether the pixels lie column by column, as in EMNIST.

        Raises:
            SourceError: one is missing or broken, or there is another number of photos than of labels.
        """
        self._transposed = transposed
        self._photos: dict[Split, NDArray[np.uint8]] = {}
        self.labels: dict[Split, NDArray[np.uint8]] = {}
        stamps = []
        for split, part in sorted(files.parts.items(), key=lambda item: SPLITS.index(item[0])):
            images, labels = _both(files.folder, part)
            self._photos[split] = _read_idx(images, num_dimensions=3)
            self.labels[split] = _read_idx(labels, num_dimensions=1)
            _check(files.folder, split, self._photos[split], self.labels[split])
            stamps += [file_stamp(images), file_stamp(labels)]
        self._stamp = "+".join(stamps)

    @property
    def shapes(self) -> Mapping[Split, tuple[int, ...]]:
        """(N, H, W) of each split, as the files say it."""
        return {split: photos_NHW.shape for split, photos_NHW in self._photos.items()}

    def rows(self) -> Iterator[tuple[str, int, Split]]:
        """The path, the label's number and the split of every photo, in the files' order."""
        for split, labels_N in self.labels.items():
            for number, label in enumerate(labels_N):
                yield f"{split}/{number:05}", int(label), split

    def read(self, path: str) -> NDArray[np.uint8]:
        """One photo, (H, W, 3): its grey in all three channels.

        Raises:
            PhotoError: there is no such photo.
        """
        name, _, number = path.partition("/")
        photos = {str(split): photos_NHW for split, photos_NHW in self._photos.items()}.get(name)
        try:
            row = int(number)
        except ValueError:
            row = -1
        if photos is None or not 0 <= row < len(photos):
            raise PhotoError(f"There is no photo {path!r} in the IDX files; expected one such as 'train/00012'.")
        grey_HW = photos[row]
        return np.repeat((grey_HW.T if self._transposed else grey_HW)[:, :, None], 3, axis=2)

    @property
    def stamp(self) -> str:
        """The sizes and times of change of the files; all photos lie in the same."""
        return self._stamp


def _both(folder: Path, part: IdxPart) -> tuple[Path, Path]:
    if part.images and part.labels:
        return part.images, part.labels
    there = (part.images or part.labels or folder).name.removesuffix(".gz")
    swaps = ("images", "labels"), ("idx3", "idx1")
    missing = there
    for one, other in swaps if part.images else ((other, one) for one, other in swaps):
        missing = missing.replace(one, other)
    raise SourceError(f"{folder} has no {missing}.gz (or {missing}), which belongs to its {there}.")


def _read_idx(path: Path, num_dimensions: int) -> NDArray[np.uint8]:
    """Unsigned bytes: two zeros, the type 8, the number of dimensions, their sizes as big-endian 32 bits, the data."""
    content = read_content(path)
    head = 4 + 4 * num_dimensions
    if content[:4] != bytes([0, 0, 8, num_dimensions]) or len(content) < head:
        raise SourceError(f"{path} begins with {content[:4].hex()}; expected 000008{num_dimensions:02}, an IDX file.")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", num_dimensions, offset=4))
    if len(content) - head != math.prod(shape):
        raise SourceError(f"{path} says that it holds {shape}, but {len(content) - head:,} bytes follow.")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


def _check(folder: Path, split: Split, photos_NHW: NDArray[np.uint8], labels_N: NDArray[np.uint8]) -> None:
    if len(photos_NHW) != len(labels_N) or 0 in photos_NHW.shape:
        raise SourceError(
            f"{folder}: the {split} files hold photos {photos_NHW.shape} and {len(labels_N)} labels; "
            "expected photos (N, height, width) and N labels."
        )
