"""The last word of staff on each product, and how far indexes know them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from snapshelf.adapters.sqlite_changes import SqliteChanges
from snapshelf.errors import StoreError
from snapshelf.types import Product

SCARF = Product("s1", "Scarf", "red thing", 5.5, "EUR", True, "/s1", {"brand": "Acme", "size": 3, "new": True})
CAP = Product("s2", "Cap", "blue thing")


@pytest.fixture
def changes(tmp_path: Path) -> Iterator[SqliteChanges]:
    with closing(SqliteChanges(tmp_path / "changes.sqlite")) as opened:
        yield opened


def unknown(changes: SqliteChanges, index_id: str = "i1") -> list[tuple[str, Product | None, bytes | None]]:
    return [(each.product_id, each.product, each.photo) for each in changes.unknown_to(index_id)]


def test_the_last_word_on_each_product_in_the_order_in_which_they_came(changes: SqliteChanges) -> None:
    changes.put(SCARF, b"photo")
    changes.put(CAP, b"cap")
    changes.update(Product("s1", "Long scarf", "red thing"))
    assert unknown(changes) == [("s2", CAP, b"cap"), ("s1", Product("s1", "Long scarf", "red thing"), b"photo")]
    changes.remove(["s2"])
    changes.put(SCARF, None)
    assert unknown(changes) == [("s2", None, None), ("s1", SCARF, None)]
    assert [each.product_id for each in changes.all()] == ["s2", "s1"]


def test_an_index_that_knows_some_gets_the_others(changes: SqliteChanges) -> None:
    changes.put(SCARF, b"photo")
    changes.note_known("i1", changes.newest())
    changes.remove(["s2"])
    assert unknown(changes, "i1") == [("s2", None, None)]
    assert len(unknown(changes, "i2")) == 2


def test_what_every_index_knows_is_forgotten_and_numbers_go_on(changes: SqliteChanges) -> None:
    assert changes.newest() == 0
    changes.put(SCARF, b"photo")
    changes.put(CAP, b"cap")
    changes.note_known("i1", 2)
    changes.note_known("i2", 1)
    changes.note_known("gone", 0)
    changes.forget(["i1", "i2"])
    assert unknown(changes, "i3") == [("s2", CAP, b"cap")]
    changes.forget(["i1"])
    assert (unknown(changes, "i3"), changes.newest()) == ([], 2)


def test_it_is_there_again_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "changes.sqlite"
    for _ in range(2):
        with closing(SqliteChanges(path)) as changes:
            changes.put(SCARF, b"photo")
    with closing(SqliteChanges(path)) as changes:
        assert (unknown(changes), changes.newest()) == ([("s1", SCARF, b"photo")], 2)


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "changes.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 9")
    with pytest.raises(StoreError, match=r"schema 9; this snapshelf reads up to 1\. Use a newer snapshelf"):
        SqliteChanges(path)
