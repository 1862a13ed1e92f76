"""What ImageNet's lists say: the names of its synsets, and what each validation photo shows.

A synset is one meaning of a word, with WordNet's id such as n01440764. Three numberings are about; only that of
`map_clsloc.txt` (1 to 1000, as in the devkits' `meta.mat`) is that of the devkits' ground truth. The others are in the
order of the ids. Forms: https://www.kaggle.com/c/imagenet-object-localization-challenge/data (`LOC_*`) and the
readme of ILSVRC2012's and ILSVRC2015's development kits.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from snapshelf.errors import SourceError
from snapshelf.types import Rejected

SYNSET = re.compile(r"n\d{8}", re.ASCII)

_MAP_CLSLOC = "map_clsloc.txt"
_NAME_FILES = ("LOC_synset_mapping.txt", "synset_words.txt", _MAP_CLSLOC)
_SOLUTION = "LOC_val_solution.csv"
_DEVKIT_TRUTH = ("ILSVRC20*_clsloc_validation_ground_truth.txt", "ILSVRC20*_validation_ground_truth.txt")
_NAMES_LINE = re.compile(r"(?P<synset>n\d{8})\s+(?P<names>\S.*)", re.ASCII)
_MAP_LINE = re.compile(r"(?P<synset>n\d{8})\s+(?P<id>\d{1,6})\s+(?P<names>\S+)", re.ASCII)
VALIDATION_PHOTO = re.compile(r"ILSVRC\d{4}_val_(\d{8})", re.ASCII)
_CELLS_A_BOX = 5
_LONGEST_LINE = 100_000


@dataclass(frozen=True, slots=True)
class ListFolders:
    """Where lists may lie, and the source's folder, which they must not lead out of."""

    root: Path
    folders: tuple[Path, ...]

    def find(self, *patterns: str) -> Path | None:
        """The first list of one of these names, the names in their order."""
        for path in (path for pattern in patterns for folder in self.folders for path in sorted(folder.glob(pattern))):
            if path.is_file() and path.resolve().is_relative_to(self.root):
                return path
        return None


@dataclass(slots=True)
class GroundTruth:
    """What the validation photos show. `synsets` has an entry a photo, by its file's name without ending or by the
    eight digits of its number; `name` is the list's file.
    """

    name: str
    synsets: dict[str, str] = field(default_factory=dict)
    problems: list[Rejected] = field(default_factory=list)

    def synset_of(self, stem: str) -> str | None:
        """What a photo shows, by its file's name without ending; None where the list does not say."""
        found = VALIDATION_PHOTO.fullmatch(stem)
        return self.synsets.get(stem) or (self.synsets.get(found[1]) if found else None)

    def problem(self, number: int, reason: str) -> None:
        """Note that a line cannot be used."""
        self.problems.append(Rejected(f"{self.name} row {number}", reason))


def read_names(folders: ListFolders) -> tuple[dict[str, str], list[Rejected]]:
    """The label of each synset, from the first list that lies in one of the folders; none where there is no list.

    A label is the first of the synset's names. Synsets that share it get all their names (`maillot, tank suit`), and
    where these are the same too, their id (`crane (n02012849)`).
    """
    path = folders.find(*_NAME_FILES)
    if path is None:
        return {}, []
    pattern = _MAP_LINE if path.name == _MAP_CLSLOC else _NAMES_LINE
    names: dict[str, str] = {}
    num_bad = first_bad = 0
    for number, line in _lines(path):
        if found := pattern.match(line):
            names[found["synset"]] = (
                found["names"].replace("_", " ") if pattern is _MAP_LINE else found["names"].strip()
            )
        else:
            num_bad, first_bad = num_bad + 1, first_bad or number
    reason = f"{num_bad} lines are not of the form «n01440764 tench, Tinca tinca»; the first is line {first_bad}"
    return _distinct(names), [Rejected(path.name, reason)] if num_bad else []


def _distinct(names: dict[str, str]) -> dict[str, str]:
    num_first = Counter(_first(text) for text in names.values())
    num_all = Counter(names.values())
    labels = {}
    for synset, text in names.items():
        if num_first[_first(text)] == 1:
            labels[synset] = _first(text)
        else:
            labels[synset] = text if num_all[text] == 1 else f"{text} ({synset})"
    return labels


def _first(names: str) -> str:
    return names.partition(",")[0].strip() or names


def read_ground_truth(folders: ListFolders) -> GroundTruth:
    """What the validation photos show, from Kaggle's list or a devkit's.

    Raises:
        SourceError: there is no list, or only one of numbers without the list of what they mean.
    """
    path = folders.find(_SOLUTION)
    if path:
        return _read_solution(path)
    path = folders.find(*_DEVKIT_TRUTH)
    if path is None:
        raise SourceError(
            "the validation photos lie in no synset folders, and no list says what they show. Expected "
            f"{_SOLUTION} (Kaggle) or a devkit's ILSVRC2012_validation_ground_truth.txt in the source's folder or in "
            "ILSVRC/devkit/data"
        )
    return _read_devkit_truth(path, folders)


def _read_solution(path: Path) -> GroundTruth:
    """`ImageId,PredictionString`, the latter five cells a box: the synset and the box's edges."""
    truth = GroundTruth(path.name)
    for number, cells in enumerate(_csv_rows(path), start=1):
        if number == 1 and cells[:1] == ["ImageId"]:
            continue
        words = cells[1].split() if len(cells) == 2 else []
        synsets = set(words[::_CELLS_A_BOX])
        if len(synsets) == 1 and SYNSET.fullmatch(words[0]):
            truth.synsets[cells[0]] = words[0]
        elif len(synsets) > 1 and all(SYNSET.fullmatch(synset) for synset in synsets):
            truth.problem(number, f"names {', '.join(sorted(synsets)[:3])} for one photo; expected one synset")
        elif cells:
            truth.problem(number, f"is {','.join(cells)[:60]!r}; expected ImageId,n01978287 85 1 499 272")
    return truth


def _csv_rows(path: Path) -> Iterator[list[str]]:
    return (next(csv.reader([line]), []) for _, line in _lines(path))


def _read_devkit_truth(path: Path, folders: ListFolders) -> GroundTruth:
    """One line a photo, in the order of the photos' numbers: an id of `map_clsloc.txt`, or a synset."""
    truth = GroundTruth(path.name)
    synset_of: dict[str, str] | None = None
    for number, line in _lines(path):
        word = line.strip()
        if not SYNSET.fullmatch(word):
            synset_of = _read_ids(path, folders) if synset_of is None else synset_of
            word = synset_of.get(word, "")
        if word:
            truth.synsets[f"{number:08}"] = word
        elif line.strip():
            truth.problem(number, f"is {line.strip()[:40]!r}; expected an id of {_MAP_CLSLOC}, 1 to 1000, or a synset")
    return truth


def _read_ids(truth: Path, folders: ListFolders) -> dict[str, str]:
    path = folders.find(_MAP_CLSLOC)
    if path is None:
        raise SourceError(
            f"{truth.name} gives numbers, and what they mean stands in the devkit's meta.mat, which is not read here. "
            f"Put {_MAP_CLSLOC} («n02119789 1 kit_fox») beside it; it is in the devkits of ILSVRC2014 and later, with "
            f"the same numbers. Or put Kaggle's {_SOLUTION} there"
        )
    return {found["id"]: found["synset"] for _, line in _lines(path) if (found := _MAP_LINE.match(line))}


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, and their numbers from 1. Bytes that are not UTF-8 are replaced."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if line.strip():
                    yield number, line
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror or error}") from None
