"""Where the files of Open Images lie: as its pages name them, as FiftyOne downloads them, and as CVAT writes them.

Names: https://storage.googleapis.com/openimages/web/download.html and download_v4.html to download_v7.html.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from snapshelf.data.sources.files import FolderTree
from snapshelf.data.sources.folder import SPLIT_NAMES
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import SPLITS, Split

_Kind: TypeAlias = Literal["boxes", "human", "machine", "names"]

_KINDS: dict[_Kind, re.Pattern[str]] = {
    "boxes": re.compile(r"(.*-)?annotations-bbox\.csv|detections\.csv"),
    "human": re.compile(r".*human-imagelabels.*\.csv|classifications\.csv"),
    "machine": re.compile(r".*machine-imagelabels.*\.csv"),
    "names": re.compile(r".*class-descriptions.*\.csv|classes\.csv"),
}
"""The short names are FiftyOne's, whose files have the same columns."""

_MOST_CHARACTERS = 1 << 16
_PLACES = ("", "annotations", "labels", "metadata", "csv", "csv_folder")


@dataclass(slots=True)
class SplitFiles:
    """The tables of one split. There may be several with labels; of those with boxes the newest is taken, as every
    version has the boxes of the last."""

    boxes: Path | None = None
    human: list[Path] = field(default_factory=list)
    machine: list[Path] = field(default_factory=list)


@dataclass(slots=True)
class Files:
    """All tables of a source: each split's, training first, and those with the labels' names."""

    splits: dict[Split | None, SplitFiles]
    names: list[Path]


def find_files(tree: FolderTree) -> Files:
    """Look in the folders that are known to hold tables."""
    splits: dict[Split | None, SplitFiles] = {split: SplitFiles() for split in (*SPLITS, None)}
    names: list[Path] = []
    for kind, path in _tables(tree):
        files = splits[_split_of(tree.name(path))]
        if kind == "names":
            names.append(path)
        elif kind == "human":
            files.human.append(path)
        elif kind == "machine":
            files.machine.append(path)
        elif files.boxes is None or _version(path) > _version(files.boxes):
            files.boxes = path
    return Files({split: files for split, files in splits.items() if _any(files)}, names)


def photo_folders(tree: FolderTree, split: Split | None) -> tuple[str, ...]:
    """The folders that may hold a split's photos, the most particular first."""
    words = [word for word, name in SPLIT_NAMES.items() if name == split]
    places = [place for word in words for place in (word, f"{word}/data", f"{word}/images", f"images/{word}")]
    return tuple(place for place in (*places, "images", "data", "") if (tree.root / place).is_dir())


def heading(table: Path) -> list[str]:
    """A table's columns; none where it cannot be read. Only its first line is looked at."""
    try:
        with table.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            return [name.strip() for name in next(csv.reader([file.readline(_MOST_CHARACTERS)]), [])]
    except (OSError, csv.Error):
        return []


def read_names(path: Path) -> dict[str, str]:
    """Labels' names by their MIDs, such as `/m/0cmf2`. Some of these files have a heading, others none.

    Raises:
        SourceError: the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = ([cell.strip() for cell in row] for row in csv.reader(file))
            return {row[0]: row[1] for row in rows if len(row) > 1 and row[0].startswith("/") and row[1]}
    except (OSError, csv.Error) as error:
        raise SourceError(f"The labels' names cannot be read ({error}); the labels keep their MIDs.") from None


def _tables(tree: FolderTree) -> Iterator[tuple[_Kind, Path]]:
    places = [*_PLACES, *(f"{split}/{place}" for split in SPLIT_NAMES for place in _PLACES[:4])]
    for place in places:
        for path in sorted((tree.root / place).glob("*.csv")):
            kind = next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(path.name.lower())), None)
            if kind and _is_readable(tree, path):
                yield kind, path


def _is_readable(tree: FolderTree, path: Path) -> bool:
    try:
        tree.name(path).encode()
        return tree.inside(tree.name(path)).is_file()
    except (PhotoError, UnicodeEncodeError, OSError):
        return False


def _split_of(name: str) -> Split | None:
    """The split that a file's name says, or else its folder's: `oidv7-val-annotations-….csv`, `train/labels/….csv`."""
    words = re.findall("[a-z]+", name.lower())
    return next((SPLIT_NAMES[word] for word in reversed(words) if word in SPLIT_NAMES), None)


def _version(path: Path) -> int:
    found = re.match(r"oidv(\d+)", path.name.lower())
    return int(found[1]) if found else 0


def _any(files: SplitFiles) -> bool:
    return bool(files.boxes or files.human or files.machine)
