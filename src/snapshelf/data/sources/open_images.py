"""Open Images V4 to V7: photos with boxes, or with labels for the whole photo.

Format: https://storage.googleapis.com/openimages/web/download_v7.html, «Data formats». Where a split has a table of
boxes, each box is a photo. Left out and not listed are boxes of groups (`IsGroupOf`), of drawings and the like
(`IsDepiction`), those taken from within (`IsInside`), and those below the least confidence.

Where it has none, each photo gets the one label that has the highest confidence. Labels that people have verified go
before those of machines; a label that people have denied (confidence 0) is never given. Where several labels share the
highest confidence, the photo shows more than one thing and is rejected, with their names. Labels without a name among
the class descriptions keep their MID, such as `/m/0cmf2`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from snapshelf.data import fields as cells
from snapshelf.data.sources.boxes import at_least_one, find_photo, padded_box
from snapshelf.data.sources.files import FolderPhotos, FolderTree
from snapshelf.data.sources.open_images_files import SplitFiles, find_files, heading, photo_folders, read_names
from snapshelf.data.tables import Row, read_table, row_name
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo, Rejected, Split

_LABEL_COLUMNS = ("ImageID", "LabelName", "Confidence")
_BOX_COLUMNS = ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax")
_LEFT_OUT = ("IsGroupOf", "IsDepiction", "IsInside")
_MOST_LABELS_NAMED = 5


def recognise_open_images(path: Path) -> str | None:
    """Why a path is Open Images, or None."""
    tree = FolderTree(path)
    tables = [table for files in find_files(tree).splits.values() for table in _tables(files)] if path.is_dir() else []
    for table in tables:
        if {"ImageID", "LabelName"} <= set(heading(table)):
            return f"it is a folder with a table of Open Images, {tree.name(table)}"
    return None


class OpenImagesSource(FolderPhotos):
    """The boxes in the order of their tables, or the photos in that in which the tables name them; training first.

    Of boxes nothing is kept in memory; of labels for whole photos, about 400 bytes for each photo that is there.
    """

    format = "open-images"

    def __init__(self, root: Path, box_padding: float, min_confidence: float) -> None:
        """Find the tables; read the labels' names only.

        Args:
            root: the folder with the tables and the photos.
            box_padding: room around each box, in fractions of its width and height.
            min_confidence: labels and boxes below it, 0 to 1, are left out.

        Raises:
            SourceError: there is no table of boxes or labels.
        """
        self._given = root
        self._padding = box_padding
        self._min_confidence = min_confidence
        super().__init__(root)
        files = find_files(self._tree)
        if not files.splits:
            raise SourceError(
                f"{root} has no tables of Open Images. Expected files such as train-annotations-bbox.csv or "
                f"validation-annotations-human-imagelabels.csv in {root} or {root}/annotations, and photos in "
                f"{root}/train, {root}/validation and {root}/test."
            )
        self._splits = files.splits
        self._problems: list[Rejected] = []
        self._names: dict[str, str] = {}
        for path in files.names:
            try:
                self._names = {**read_names(path), **self._names}
            except SourceError as error:
                self._problems.append(Rejected(self._tree.name(path), str(error)))

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every box or photo, what is wrong with a row, and for each split how many rows are of photos not there.

        Raises:
            SourceError: at the end, where there was not one photo.
        """
        rows = (row for split, files in self._splits.items() for row in self._rows_of(split, files))
        return at_least_one(itertools.chain(self._problems, rows), self._given)

    def _rows_of(self, split: Split | None, files: SplitFiles) -> Iterator[Photo | Rejected]:
        photos = _PhotosThere(self._tree, photo_folders(self._tree, split))
        if files.boxes:
            yield from self._boxes(files.boxes, split, photos)
        else:
            yield from self._labelled(files, split, photos)
        if photos.num_rows_missing:
            looked = ", ".join(folder or "the source's folder" for folder in photos.folders)
            yield Rejected(
                ", ".join(self._tree.name(table) for table in _tables(files)),
                f"{photos.num_rows_missing:,} rows are of photos that are not there, such as "
                f"{photos.first_missing}.jpg; looked in {looked}",
            )

    def _boxes(self, table: Path, split: Split | None, photos: _PhotosThere) -> Iterator[Photo | Rejected]:
        for row in self._cells(table, _BOX_COLUMNS):
            if isinstance(row, Rejected):
                yield row
                continue
            try:
                photo = self._box(row, split, photos)
            except (SourceError, PhotoError) as error:
                yield Rejected(row_name(table, row.number), str(error))
            else:
                if photo:
                    yield photo

    def _box(self, row: Row, split: Split | None, photos: _PhotosThere) -> Photo | None:
        values = row.values
        is_left_out = any(cells.text(values.get(name), name) == "1" for name in _LEFT_OUT)
        confidence = 1.0 if values.get("Confidence") is None else _fraction(row, "Confidence")
        file = None if is_left_out or confidence < self._min_confidence else photos.find(row)
        if file is None:
            return None
        left, right, top, bottom = (_fraction(row, name) for name in ("XMin", "XMax", "YMin", "YMax"))
        box = padded_box(left, top, right, bottom, self._padding)
        return Photo(f"{file}#{row.number}", self._label(row), split, file=file, box=box)

    def _labelled(self, files: SplitFiles, split: Split | None, photos: _PhotosThere) -> Iterator[Photo | Rejected]:
        best: dict[str, _Best] = {}
        for table in (*files.human, *files.machine):
            for row in self._cells(table, _LABEL_COLUMNS):
                if isinstance(row, Rejected):
                    yield row
                    continue
                try:
                    if file := photos.find(row):
                        self._take(best.setdefault(file, _Best()), row, is_human=table in files.human)
                except (SourceError, PhotoError) as error:
                    yield Rejected(row_name(table, row.number), str(error))
        for file, found in best.items():
            yield Photo(file, found.labels[0], split) if len(found.labels) == 1 else Rejected(file, found.problem())

    def _take(self, best: _Best, row: Row, *, is_human: bool) -> None:
        confidence, label = _fraction(row, "Confidence"), self._label(row)
        if is_human and confidence == 0:
            best.denied += (label,)
        elif confidence >= max(self._min_confidence, 1e-9):
            best.add(label, confidence, is_human=is_human)

    def _label(self, row: Row) -> str:
        mid = cells.required_text(row.values.get("LabelName"), "LabelName")
        return self._names.get(mid, mid)

    def _cells(self, table: Path, needed: Iterable[str]) -> Iterator[Row | Rejected]:
        """A table's rows; where it cannot be read, or not on, that is said as one more."""
        missing = [name for name in needed if name not in heading(table)]
        if missing:
            yield Rejected(self._tree.name(table), f"it has no column {', '.join(missing)}; it was left out")
            return
        try:
            yield from read_table(table)
        except SourceError as error:
            yield Rejected(self._tree.name(table), str(error))


@dataclass(slots=True)
class _Best:
    """The labels that share a photo's highest confidence, and those that people have denied."""

    labels: tuple[str, ...] = ()
    confidence: float = 0.0
    is_human: bool = False
    denied: tuple[str, ...] = ()

    def add(self, label: str, confidence: float, *, is_human: bool) -> None:
        """Take a label in; all of people's come before the first of machines."""
        if not is_human and (self.is_human or label in self.denied):
            return
        if confidence > self.confidence:
            self.labels, self.confidence, self.is_human = (label,), confidence, is_human
        elif confidence == self.confidence and label not in self.labels:
            self.labels += (label,)

    def problem(self) -> str:
        """Why there is not one label."""
        if not self.labels:
            return "it has no label with enough confidence; see min_confidence in snapshelf.toml"
        named = ", ".join(self.labels[:_MOST_LABELS_NAMED])
        others = len(self.labels) - _MOST_LABELS_NAMED
        more = f" and {others} more" if others > 0 else ""
        return (
            f"it shows {named}{more}, all with confidence {self.confidence:g}; one label a photo was expected. With a "
            "table of boxes each could be a photo of its own"
        )


class _PhotosThere:
    """Which photos of a split were downloaded; rows of others are counted. One photo's rows mostly come together."""

    def __init__(self, tree: FolderTree, folders: tuple[str, ...]) -> None:
        self.folders = folders
        self.num_rows_missing = 0
        self.first_missing = ""
        self._tree = tree
        self._last: tuple[object, str | None] = (None, None)

    def find(self, row: Row) -> str | None:
        """The path of a row's photo below the source's folder; None where it is not there."""
        given = row.values.get("ImageID")
        if given is None or given != self._last[0]:
            image_id = cells.required_text(given, "ImageID")
            self._last = (given, find_photo(self._tree, self.folders, f"{image_id}.jpg"))
        if self._last[1] is None:
            self.num_rows_missing += 1
            self.first_missing = self.first_missing or str(given)[:80]
        return self._last[1]


def _fraction(row: Row, name: str) -> float:
    content = row.values.get(name)
    try:
        number = float(str(content))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SourceError(f"{name} is {str(content)[:40]!r}; expected a number from 0 to 1.")
    return number


def _tables(files: SplitFiles) -> list[Path]:
    """The tables that are read."""
    return [files.boxes] if files.boxes else [*files.human, *files.machine]
