"""COCO: photos with boxes in them, each box a photo of its category. Format: https://cocodataset.org/#format-data.

A source is a folder, or one annotation file:

    SOURCE/annotations/instances_train2017.json, …val2017.json    photos in train2017/, images/train2017/, images/, …
    SOURCE/instances.json                                         photos in images/, data/, or beside it
    SOURCE/train/_annotations.coco.json                           photos beside it (Roboflow)

Boxes that hold a crowd (`iscrowd` 1) show no single thing; they are left out and not listed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from snapshelf.data.sources.boxes import at_least_one, padded_box
from snapshelf.data.sources.coco_files import AnnotationFile, annotation_file, below, find_files, root_of
from snapshelf.data.sources.coco_index import Image, Index, id_of, number_of, read_index
from snapshelf.data.sources.coco_json import Fields, looks_like_coco, read_objects
from snapshelf.data.sources.files import FolderPhotos, FolderTree
from snapshelf.errors import SourceError
from snapshelf.types import Box, Photo, Rejected


def recognise_coco(path: Path) -> str | None:
    """Why a path is COCO, or None."""
    if path.is_file():
        is_coco = path.suffix.lower() == ".json" and looks_like_coco(path)
        return "it is a JSON file with COCO's lists of images and annotations" if is_coco else None
    tree = FolderTree(path)
    found = find_files(tree)
    return f"it is a folder with COCO annotations in {tree.name(found[0])}" if found else None


class CocoSource(FolderPhotos):
    """The boxes of one or more annotation files, in the files' order.

    Of each file the images and categories are kept in memory, about 400 bytes an image, and never its boxes.
    """

    format = "coco"

    def __init__(self, path: Path, box_padding: float) -> None:
        """Find the annotation files; read the beginning of each at most.

        Args:
            path: a folder, or one annotation file.
            box_padding: room around each box, in fractions of its width and height.

        Raises:
            SourceError: there is no annotation file.
        """
        self._given = path
        self._padding = box_padding
        super().__init__(root_of(path) if path.is_file() else path)
        paths = [below(self._tree, path)] if path.is_file() else find_files(self._tree)
        if not paths:
            raise SourceError(
                f"{path} has no COCO annotations. Expected {path}/annotations/instances_train.json, "
                f"{path}/instances.json or {path}/train/_annotations.coco.json, with lists of images, annotations and "
                "categories."
            )
        self._files = [annotation_file(self._tree, file) for file in paths]
        self._indexes: dict[Path, Index] = {}

    def rows(self) -> Iterator[Photo | Rejected]:
        """Every box, and what is wrong with images, categories and boxes.

        Raises:
            SourceError: at the end, where there was not one box that can be used.
        """
        rows = (row for file in self._files for row in self._rows_of(file))
        return at_least_one(rows, self._given)

    def _rows_of(self, file: AnnotationFile) -> Iterator[Photo | Rejected]:
        if file.path not in self._indexes:
            self._indexes[file.path] = read_index(self._tree, file)
        index = self._indexes[file.path]
        yield from index.problems
        if not (index.images and index.categories):
            lacking = "categories" if index.images else "images"
            yield Rejected(file.name, f"it has no {lacking} that can be used, so its boxes were left out")
            return
        with contextlib.suppress(SourceError):  # that the file is broken is among the index's problems
            for number, (_, fields) in enumerate(read_objects(file.path, ["annotations"]), start=1):
                row = self._row(file, index, fields or {}, number)
                if row is not None:
                    yield row

    def _row(self, file: AnnotationFile, index: Index, fields: Fields, number: int) -> Photo | Rejected | None:
        """A box, or what is wrong with it, or None where nothing is to be said of it."""
        name = id_of(fields.get("id")) or f"number {number}"
        try:
            image = None if fields.get("iscrowd") in (1, "1") else index.image_of(fields)
            if image is None:
                return None
            label = index.label_of(fields)
            box = self._box(fields.get("bbox"), image)
        except SourceError as error:
            return Rejected(f"{file.name} annotation {name}", str(error))
        return Photo(f"{image.file}#{name}", label, file.split, file=image.file, box=box)

    def _box(self, bbox: object, image: Image) -> Box:
        """`bbox` is x, y, width and height in pixels; x and y are the top left corner."""
        numbers = (
            [number for value in bbox if (number := number_of(value)) is not None] if isinstance(bbox, list) else []
        )
        if not isinstance(bbox, list) or len(bbox) != 4 or len(numbers) != 4:
            raise SourceError(f"bbox is {str(bbox)[:80]}; expected x, y, width and height in pixels.")
        x, y, w, h = numbers
        if w <= 0 or h <= 0:
            raise SourceError(f"The box is {w:g} × {h:g} px; expected a width and height above 0.")
        edges = (x / image.width, y / image.height, (x + w) / image.width, (y + h) / image.height)
        try:
            return padded_box(*edges, self._padding)
        except SourceError:
            raise SourceError(
                f"The box, {w:g} × {h:g} px at {x:g}, {y:g}, lies outside {image.file}, which has {image.width:g} × "
                f"{image.height:g} px by its entry."
            ) from None
