"""The images and categories of a COCO annotation file by their ids, which its boxes refer to."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from snapshelf.data import fields as cells
from snapshelf.data.sources.boxes import find_photo
from snapshelf.data.sources.coco_files import AnnotationFile
from snapshelf.data.sources.coco_json import Fields, read_objects
from snapshelf.data.sources.files import FolderTree
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Rejected

_MOST_NAMED = 100
"""Up to so many missing photos of an annotation file are listed one by one; where there are more, they are counted."""


@dataclass(frozen=True, slots=True)
class Image:
    """A photo that is there: its path below the source's folder, and its pixels as its entry says."""

    file: str
    width: float
    height: float


@dataclass(slots=True)
class Index:
    """Images and categories by id, and what is wrong with them. An image that cannot be used is None."""

    images: dict[str, Image | None] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    problems: list[Rejected] = field(default_factory=list)

    def image_of(self, annotation: Fields) -> Image | None:
        """The image that a box is in; None where what is wrong with it is among the problems.

        Raises:
            SourceError: there is none of that id.
        """
        key = id_of(annotation.get("image_id"))
        if key is None or key not in self.images:
            raise SourceError(f"image_id is {_short(annotation.get('image_id'))}, which none of the images has.")
        return self.images[key]

    def label_of(self, annotation: Fields) -> str:
        """The name of a box's category.

        Raises:
            SourceError: there is none of that id.
        """
        key = id_of(annotation.get("category_id"))
        if key is None or key not in self.categories:
            found = _short(annotation.get("category_id"))
            raise SourceError(f"category_id is {found}, which none of the categories has.")
        return self.categories[key]


def read_index(tree: FolderTree, file: AnnotationFile) -> Index:
    """Go through an annotation file once, and look for its photos."""
    index = Index()
    missing: list[str] = []
    num_missing = 0
    try:
        for number, (section, found) in enumerate(read_objects(file.path, ["images", "categories"]), start=1):
            fields = found or {}
            try:
                if section == "categories":
                    _add_category(index, fields)
                elif not _add_image(index, fields, tree, file):
                    num_missing += 1
                    missing += [str(fields["file_name"])] if num_missing <= _MOST_NAMED else []
            except (SourceError, PhotoError) as error:
                index.problems.append(Rejected(f"{file.name} entry {number} of its images and categories", str(error)))
    except SourceError as error:
        index.problems.append(Rejected(file.name, str(error)))
    index.problems += _said_missing(file, missing, num_missing)
    return index


def _add_image(index: Index, fields: Fields, tree: FolderTree, file: AnnotationFile) -> bool:
    """Take an image in; whether its photo is there."""
    key, name = _required_id(fields), fields.get("file_name")
    if key in index.images:
        raise SourceError(f"id {key} is that of an image above; the first was taken.")
    index.images[key] = None
    if not isinstance(name, str) or not name.strip():
        raise SourceError(f"Image {key} has no file_name.")
    width, height = number_of(fields.get("width")), number_of(fields.get("height"))
    if width is None or height is None or width <= 0 or height <= 0:
        raise SourceError(
            f"Image {name[:80]!r} is {_short(fields.get('width'))} × {_short(fields.get('height'))}; "
            "expected its width and height in pixels, as its boxes are in pixels."
        )
    path = find_photo(tree, file.folders, name.replace("\\", "/"))
    if path is not None:
        index.images[key] = Image(path, width, height)
    return path is not None


def _add_category(index: Index, fields: Fields) -> None:
    key = _required_id(fields)
    if key in index.categories:
        raise SourceError(f"id {key} is that of a category above; the first was taken.")
    index.categories[key] = cells.required_text(fields.get("name"), f"The name of category {key}")


def _said_missing(file: AnnotationFile, missing: list[str], num_missing: int) -> Iterator[Rejected]:
    looked = ", ".join(folder or "the source's folder" for folder in file.folders)
    if num_missing <= len(missing):
        for name in missing:
            yield Rejected(name[:200], f"{file.name} names it, but it is not there; looked in {looked}")
    else:
        reason = f"{num_missing:,} of its photos are not there, such as {missing[0][:80]!r}; looked in {looked}"
        yield Rejected(file.name, reason)


def _required_id(fields: Fields) -> str:
    key = id_of(fields.get("id"))
    if key is None:
        raise SourceError(f"id is {_short(fields.get('id'))}; expected a number.")
    return key


def id_of(value: object) -> str | None:
    """An id as text, or None. COCO's are whole numbers; other programs write them as text, or with a decimal point."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    with contextlib.suppress(SourceError):
        return cells.product_id(value)
    return None


def number_of(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _short(value: object) -> str:
    return repr(value)[:80]
