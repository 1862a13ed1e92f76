"""COCO's JSON as a stream: a file of hundreds of megabytes is no more memory than one of its objects.

Format: https://cocodataset.org/#format-data. The lists may come in any order.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import ijson

from snapshelf.errors import SourceError

Section: TypeAlias = Literal["images", "annotations", "categories"]
Fields: TypeAlias = dict[str, object]
_Event: TypeAlias = tuple[str, object]

_FIELDS: dict[str, frozenset[str]] = {
    "images": frozenset({"id", "file_name", "width", "height"}),
    "annotations": frozenset({"id", "image_id", "category_id", "bbox", "iscrowd"}),
    "categories": frozenset({"id", "name"}),
}
"""What is read of the objects of each list."""

_MARKS = {"images": "file_name", "annotations": "image_id", "categories": "name"}
"""A field that the objects of each list have in COCO, and seldom have in other JSON with lists of that name."""

_HEAD_BYTES = 1 << 16
_BOM = b"\xef\xbb\xbf"
_OPENING = frozenset({"start_map", "start_array"})
_CLOSING = frozenset({"end_map", "end_array"})
_MOST_NUMBERS = 5
"""One more than a box has, so that one with too many is seen."""


def looks_like_coco(path: Path) -> bool:
    """Whether a JSON file's first object in one of COCO's lists is as there; only the first 64 KiB are looked at."""
    try:
        with path.open("rb") as file:
            head = io.BytesIO(file.read(_HEAD_BYTES).removeprefix(_BOM))
        for section, fields in _objects(ijson.basic_parse(head, use_float=True), _FIELDS):
            return fields is not None and _MARKS[section] in fields
    except (SourceError, ijson.JSONError, ValueError, OSError):
        return False
    return False


def read_objects(path: Path, sections: Iterable[Section]) -> Iterator[tuple[str, Fields | None]]:
    """Every object of some lists, with its list's name; None for what is no object.

    Numbers are int or float; of lists only `bbox` is read, of which the first five numbers.

    Raises:
        SourceError: the file cannot be read, or not on; what came before is good.
    """
    try:
        with path.open("rb") as file:
            yield from _objects(ijson.basic_parse(_without_mark(file), use_float=True), frozenset(sections))
    except (ijson.JSONError, ValueError) as error:
        reason = str(error.args[0] if error.args else error).strip().partition("\n")[0]
        raise SourceError(
            f"{path.name} is not valid JSON from some place on ({reason}); what follows was left out."
        ) from None
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror or error}.") from None


def _without_mark(file: BinaryIO) -> BinaryIO:
    if file.read(len(_BOM)) != _BOM:
        file.seek(0)
    return file


def _objects(events: Iterator[_Event], sections: Iterable[str]) -> Iterator[tuple[str, Fields | None]]:
    if next(events)[0] != "start_map":
        raise SourceError("The JSON is not one {…} with images, annotations and categories.")
    for event, section in events:
        if event == "end_map":
            return
        opening, _ = next(events)
        if opening == "start_array" and isinstance(section, str) and section in sections:
            yield from ((section, fields) for fields in _items(events, _FIELDS[section]))
        else:
            _skip(opening, events)


def _items(events: Iterator[_Event], wanted: frozenset[str]) -> Iterator[Fields | None]:
    for event, _ in events:
        if event == "end_array":
            return
        if event == "start_map":
            yield _fields(events, wanted)
        else:
            _skip(event, events)
            yield None


def _fields(events: Iterator[_Event], wanted: frozenset[str]) -> Fields:
    fields: Fields = {}
    for event, key in events:
        if event == "end_map":
            break
        opening, value = next(events)
        if opening == "start_array" and key == "bbox":
            fields["bbox"] = _numbers(events)
        elif opening in _OPENING:
            _skip(opening, events)
        elif isinstance(key, str) and key in wanted:
            fields[key] = value
    return fields


def _numbers(events: Iterator[_Event]) -> list[object]:
    numbers: list[object] = []
    for event, value in events:
        if event == "end_array":
            break
        _skip(event, events)
        if len(numbers) < _MOST_NUMBERS:
            numbers.append(value)
    return numbers


def _skip(opening: str, events: Iterator[_Event]) -> None:
    """Go to the end of what begins with `opening`. Counts, so that JSON of any depth takes no more memory."""
    depth = int(opening in _OPENING)
    if not depth:
        return
    for event, _ in events:
        if event in _OPENING:
            depth += 1
        elif event in _CLOSING:
            depth -= 1
            if not depth:
                return
