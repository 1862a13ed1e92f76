"""The items of an RSS or Atom feed, one by one: a million are no more memory than one.

The feed is given to expat block by block. Entities of its own, with which a small file can become gigabytes or name
other files, are refused, and nothing outside the file is ever looked at.
"""

from __future__ import annotations

import codecs
import contextlib
import string
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from snapshelf.data.tables import Row
from snapshelf.errors import SourceError
from snapshelf.types import Rejected

_NAMESPACE = "base.google.com"
_ROOTS = ("rss", "feed", "RDF")
_BLOCK_BYTES = 1 << 16
_MAX_ITEM_CHARACTERS = 1 << 20
_MAX_TAG_BYTES = 1 << 20
_SPACE = string.whitespace.encode()


def is_xml(path: Path) -> bool:
    """Whether a file begins as XML does."""
    with path.open("rb") as file:
        head = file.read(_BLOCK_BYTES)
    return head.removeprefix(codecs.BOM_UTF8).lstrip(_SPACE).startswith(b"<") or head.startswith(
        (codecs.BOM_UTF16_LE + b"<\0", codecs.BOM_UTF16_BE + b"\0<")
    )


def recognise_xml(path: Path) -> str | None:
    """Why a file is a feed with Google's fields, or None. Only its first bytes are looked at."""
    if not is_xml(path):
        return None
    items = _Items()
    with path.open("rb") as file, contextlib.suppress(expat.ExpatError, _RefusedError):
        items.feed(_trimmed(file.read(_BLOCK_BYTES)))  # what is wrong is said when it is read
    if items.root not in _ROOTS or not items.has_namespace:
        return None
    return f"it is XML with <{items.root}> at its root and fields of Google's namespace"


def item_name(path: Path, number: int) -> str:
    """How an item is called in messages: `feed.xml item 7`."""
    return f"{path.name} item {number}"


def read_items(path: Path) -> Iterator[Row | Rejected]:
    """Every `item` of RSS, or `entry` of Atom, with its own fields by their names without a prefix.

    A field that is given several times is a list; one with a prefix (`g:title`) goes before one without.

    Raises:
        SourceError: the file is no XML, or declares entities.
    """
    items = _Items()
    with path.open("rb") as file:
        block = _trimmed(file.read(_BLOCK_BYTES))
        while True:
            try:
                items.feed(block)
            except expat.ExpatError as error:
                yield from items.take(path)
                yield _broken(path, error, items)
                return
            except _RefusedError as refused:
                raise SourceError(f"{path} {refused}") from None
            yield from items.take(path)
            if not block:
                return
            block = file.read(_BLOCK_BYTES)


def _broken(path: Path, error: expat.ExpatError, items: _Items) -> Rejected:
    words = expat.errors.messages.get(error.code, str(error))
    if items.root is None:
        raise SourceError(f"{path} is not XML that can be read: line {error.lineno}: {words}.")
    return Rejected(
        f"{path.name} line {error.lineno}",
        f"the XML is broken ({words}) after item {items.number}; the items after it were lost",
        unread=True,
    )


def _trimmed(head: bytes) -> bytes:
    """Without the empty lines that programs leave before the declaration, where XML allows none."""
    return head.lstrip(_SPACE)


class _RefusedError(Exception):
    """What the feed holds is not read on purpose."""


class _Items:
    """Takes a feed in blocks and keeps the items that are whole."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.has_namespace = False
        self.number = 0
        self._done: list[tuple[int, dict[str, object] | None]] = []
        self._depth = 0
        self._item_depth = 0
        self._fields: dict[str, list[str]] = {}
        self._size = 0
        self._text: list[str] | None = None
        self._num_bytes = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._refuse_entity

    def feed(self, block: bytes) -> None:
        """Parse one more block; an empty one is the end."""
        self._parser.Parse(block, not block)
        self._num_bytes += len(block)
        if self._num_bytes - max(0, self._parser.CurrentByteIndex) > _MAX_TAG_BYTES + _BLOCK_BYTES:
            raise _RefusedError(f"has a tag of more than {_MAX_TAG_BYTES:,} bytes; it was not read.")

    def take(self, path: Path) -> Iterator[Row | Rejected]:
        """The items that were finished since the last call."""
        done, self._done = self._done, []
        for number, values in done:
            if values is None:
                reason = f"has more than {_MAX_ITEM_CHARACTERS:,} characters; no product needs so many"
                yield Rejected(item_name(path, number), reason, unread=True)
            else:
                yield Row(number, values)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        local = name.rpartition(":")[2]
        self.root = self.root or local
        self.has_namespace = self.has_namespace or any(_NAMESPACE in value for value in attributes.values())
        if not self._item_depth and local in ("item", "entry"):
            self._item_depth = self._depth
            self.number += 1
            self._fields, self._size = {}, 0
        elif self._item_depth and self._depth == self._item_depth + 1:
            self._text = []
            if local == "link" and attributes.get("rel", "alternate") == "alternate":  # as Atom writes it
                self._characters(attributes.get("href", ""))

    def _end(self, name: str) -> None:
        if self._item_depth and self._depth == self._item_depth + 1 and self._text is not None:
            self._keep(name, "".join(self._text))
            self._text = None
        elif self._item_depth and self._depth == self._item_depth:
            self._done.append((self.number, None if self._size > _MAX_ITEM_CHARACTERS else self._values()))
            self._item_depth = 0
        self._depth -= 1

    def _characters(self, text: str) -> None:
        if self._text is not None and self._depth == self._item_depth + 1:
            self._size += len(text)
            if self._size <= _MAX_ITEM_CHARACTERS:
                self._text.append(text)

    def _keep(self, name: str, text: str) -> None:
        self._size += len(name)
        if self._size <= _MAX_ITEM_CHARACTERS:
            self._fields.setdefault(name, []).append(text)

    def _values(self) -> dict[str, object]:
        values: dict[str, object] = {}
        for name in sorted(self._fields, key=lambda name: ":" not in name):
            texts = [text for text in self._fields[name] if text.strip()]
            local = name.rpartition(":")[2]
            if texts and local not in values:
                values[local] = texts if len(texts) > 1 else texts[0]
        return values

    def _refuse_entity(self, name: str, *_: object) -> None:
        raise _RefusedError(
            f"declares the entity {name[:40]!r} in line {self._parser.CurrentLineNumber}; feeds that declare entities "
            "are not read, as these can name other files or grow without end. Write their text instead."
        )
