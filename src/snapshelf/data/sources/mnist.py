"""Sets in MNIST's form: MNIST, KMNIST, EMNIST and one's own. IDX files of photos and labels, a pair for each split.

EMNIST (https://www.nist.gov/itl/products-and-services/emnist-dataset): its pixels lie column by column, and
`emnist-<set>-mapping.txt` gives the code of each label's character, in `letters` those of both cases («1 65 97»).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.data import fields
from snapshelf.data.sources.idx import IdxPhotos, IdxSet, find_sets
from snapshelf.errors import SourceError
from snapshelf.types import Photo, Rejected

_NAME_FILES = ("labels.txt", "classes.txt")
_EMNIST = "emnist-"
_MOST_LABELS = 256
_MAPPING = re.compile(r"(?P<label>\d{1,3})\s+(?P<code>\d{1,7})(\s|$)", re.ASCII)


def recognise_mnist(path: Path) -> str | None:
    """Why a path is a set in MNIST's form, or None."""
    sets = find_sets(path) if path.is_dir() else {}
    pairs = [part for files in sets.values() for part in files.parts.values() if part.images and part.labels]
    if not pairs or not pairs[0].images:
        return None
    return f"it is a folder with photos and labels in IDX files, such as {pairs[0].images.name}, not Fashion-MNIST's"


class MnistSource:
    """The photos of one set. A path is the split and the photo's number, such as `train/00012`."""

    format = "mnist"

    def __init__(self, folder: Path) -> None:
        """Read the files; photos are kept as the bytes they are.

        Raises:
            SourceError: there is no set or more than one, or a file is missing or broken.
        """
        files = _only_set(folder)
        self._photos = IdxPhotos(files, transposed=files.prefix.startswith(_EMNIST))
        self._has_splits = len(files.parts) > 1
        self._names, self._names_file = _read_names(files)

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every photo, training first, in the files' order. A set with one split only is taken for one without."""
        for path, number, split in self._photos.rows():
            label = self._names.get(number) if self._names_file else str(number)
            if label is None:
                reason = f"its label is {number}, which has no name in {self._names_file}; expected {self._known()}"
                yield Rejected(path, reason)
            else:
                yield Photo(path, label, split if self._has_splits else None)

    def read(self, path: str) -> NDArray[np.uint8]:
        """One photo, upright, (H, W, 3): its grey in all three channels.

        Raises:
            PhotoError: there is no such photo.
        """
        return self._photos.read(path)

    def stamp(self, path: str) -> str:  # noqa: ARG002 (all photos lie in the same files)
        """The sizes and times of change of the files."""
        return self._photos.stamp

    def _known(self) -> str:
        return f"{min(self._names)} to {max(self._names)}"


def _only_set(folder: Path) -> IdxSet:
    sets = find_sets(folder)
    if not sets:
        raise SourceError(
            f"{folder} has no IDX files. Expected train-images-idx3-ubyte and train-labels-idx1-ubyte, the same of "
            "t10k, or EMNIST's names, with or without .gz."
        )
    if len(sets) > 1:
        found = ", ".join(sorted(f"{prefix or 'without prefix'} ({_any_file(sets[prefix])})" for prefix in sets))
        raise SourceError(f"{folder} has the files of {len(sets)} sets: {found}. Put those of one into its own folder.")
    return next(iter(sets.values()))


def _any_file(files: IdxSet) -> str:
    return next(path.name for part in files.parts.values() for path in (part.images, part.labels) if path)


def _read_names(files: IdxSet) -> tuple[Mapping[int, str], str | None]:
    """The labels' names and the file that gives them, where there is one."""
    mapping = files.folder / f"{files.prefix}mapping.txt"
    for path in (*(files.folder / name for name in _NAME_FILES), mapping):
        if path.is_file():
            lines = _lines(path)
            names = _characters(path, lines) if path == mapping else dict(enumerate(lines))
            if not names or len(set(names.values())) < len(names):
                raise SourceError(f"{path} has {len(names)} names; expected one for each label, all different.")
            return names, path.name
    return {}, None


def _lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = [fields.text(line, "a name") or "" for line, _ in zip(file, range(_MOST_LABELS + 1), strict=False)]
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read as text in UTF-8 ({error}).") from None
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) > _MOST_LABELS or not all(lines):
        raise SourceError(f"{path} should hold one name a line and no empty lines, at most {_MOST_LABELS} in all.")
    return lines


def _characters(path: Path, lines: list[str]) -> dict[int, str]:
    names = {}
    for line in lines:
        found = _MAPPING.match(line)
        character = chr(int(found["code"])) if found and int(found["code"]) <= sys.maxunicode else ""
        if not found or not character.isprintable() or not character.strip():
            raise SourceError(f"{path} has the line {line[:40]!r}; expected a label and its character's code: 1 65.")
        names[int(found["label"])] = character
    return names
