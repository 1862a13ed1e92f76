"""Listings: every photo once, and of what was decoded before only what cannot be used any more is missing."""

from __future__ import annotations

import itertools
import sqlite3
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from snapshelf.data.facts import FACTS
from snapshelf.data.listing import Listing
from snapshelf.data.prepared import JOURNAL, PhotoWriter
from snapshelf.errors import PhotoError
from snapshelf.types import Box, Flaw, Photo, Rejected

SIZE_PX = 8
PIXELS_SSC = np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8)


class MadeUpSource:
    """Rows as they are given; every file has the stamp `now` but those that are named."""

    format = "made up"

    def __init__(self, *given: Photo | Rejected, gone: str = "") -> None:
        self.given = given
        self.gone = gone

    def rows(self) -> Iterator[Photo | Rejected]:
        yield from self.given

    def read(self, path: str) -> bytes:
        raise AssertionError("a listing opens no photo")

    def stamp(self, path: str) -> str:
        if path == self.gone:
            raise PhotoError(f"{path} is gone")
        return "now"


def listing_of(*given: Photo | Rejected, gone: str = "") -> Listing:
    listing = Listing()
    listing.fill(MadeUpSource(*given, gone=gone))
    return listing


def photos(names: str) -> list[Photo]:
    return [Photo(name, "hat") for name in names]


def facts(number: int) -> bytes:
    made = np.zeros((), FACTS)
    made["width_px"] = number
    return made.tobytes()


def decoded(folder: Path, names: str, rejected: dict[str, Flaw] | None = None, stamp: str = "now ") -> Path:
    """A folder of decoded photos; each one's facts hold its letter, its stamp is the listing's."""
    with PhotoWriter(folder, SIZE_PX) as writer:
        for name in names:
            writer.add(name, stamp, PIXELS_SSC, facts(ord(name)))
        for name, flaw in (rejected or {}).items():
            writer.reject(Rejected(name, f"why {name}", flaw), stamp)
    return folder


def missing(listing: Listing, known: list[Path]) -> str:
    number = listing.find_missing(known)
    names = "".join(photo.path for photo, _ in listing.missing())
    assert len(names) == number
    return names


def test_a_path_that_comes_again_is_rejected_and_the_first_row_taken() -> None:
    with listing_of(Photo("1", "hat"), Photo("2", "cap"), Photo("1", "hat")) as listing:
        assert listing.texts([1, 2]) == [("1", "hat", None), ("2", "cap", None)]
        assert missing(listing, []) == "12"
        (doubled,) = listing.rejected()
        assert (doubled.path, doubled.flaw) == ("1", "row")
        assert doubled.reason == "stands more than once in the source; the first row was taken"


def test_a_path_under_two_labels_says_which() -> None:
    with listing_of(Photo("1", "hat"), Photo("1", "cap")) as listing:
        (doubled,) = listing.rejected()
        assert "under 'hat' and again under 'cap'" in doubled.reason
        assert listing.texts([1]) == [("1", "hat", None)]


def test_bad_rows_are_kept_in_the_order_in_which_they_were_found() -> None:
    first, last = Rejected("row 1", "no label"), Rejected("row 9", "cut off", "truncated")
    with listing_of(first, Photo("1", "hat"), Photo("1", "hat"), last) as listing:
        assert [bad.path for bad in listing.rejected()] == ["row 1", "1", "row 9"]
        assert listing.rejected()[0] == first
        assert listing.rejected()[2] == last


def test_a_file_that_has_no_stamp_is_rejected_and_the_others_are_listed() -> None:
    with listing_of(*photos("123"), gone="2") as listing:
        assert listing.rejected() == [Rejected("2", "2 is gone", "unreadable")]
        assert missing(listing, []) == "13"


def test_the_stamp_is_of_the_file_that_a_box_lies_in() -> None:
    part = Photo("big.jpg#1", "hat", file="big.jpg", box=Box(0, 0, 1, 1))
    with listing_of(part, gone="big.jpg") as listing:
        assert [bad.path for bad in listing.rejected()] == ["big.jpg#1"]


def test_a_photo_comes_back_as_it_was() -> None:
    whole = Photo("1", "hat", "test", "product 7")
    part = Photo("big.jpg#1", "cap", None, None, "big.jpg", Box(0.1, 0.2, 0.3, 1 / 3))
    with listing_of(whole, part) as listing:
        listing.find_missing([])
        assert [photo for photo, _ in listing.missing()] == [whole, part]


def test_a_box_that_moves_changes_the_stamp() -> None:
    boxes = [None, Box(0, 0, 0.5, 0.5), Box(0, 0, 0.5, 0.6)]
    stamps = set()
    for box in boxes:
        with listing_of(Photo("big.jpg#1", "hat", file="big.jpg", box=box)) as listing:
            assert listing.stamp(1)[0] == "big.jpg#1"
            stamps.add(listing.stamp(1)[1])
    assert len(stamps) == len(boxes)


def test_what_no_folder_has_is_missing(tmp_path: Path) -> None:
    work, earlier = decoded(tmp_path / "work", "ac"), decoded(tmp_path / "earlier", "cd")
    with listing_of(*photos("abcde")) as listing:
        assert missing(listing, [work, earlier]) == "be"
        assert missing(listing, [work]) == "bde", "asked again, with another answer"


def test_what_has_changed_is_missing(tmp_path: Path) -> None:
    work = decoded(tmp_path / "work", "ab", stamp="before ")
    with listing_of(*photos("ab")) as listing:
        assert missing(listing, [work]) == "ab"


def test_what_the_work_folder_could_not_fetch_is_tried_again_and_other_failures_are_not(tmp_path: Path) -> None:
    flaws: dict[str, Flaw] = {"b": "download", "c": "truncated", "d": "unreadable", "e": "too-large"}
    work = decoded(tmp_path / "work", "a", flaws)
    with listing_of(*photos("abcde")) as listing:
        assert missing(listing, [work]) == "b"


def test_what_an_earlier_data_set_rejected_is_tried_again(tmp_path: Path) -> None:
    work, earlier = decoded(tmp_path / "work", ""), decoded(tmp_path / "earlier", "a", {"b": "truncated"})
    with listing_of(*photos("ab")) as listing:
        assert missing(listing, [work, earlier]) == "b"


def test_joined_rows_are_in_the_source_s_order_with_the_first_folder_that_has_them(tmp_path: Path) -> None:
    work, earlier = decoded(tmp_path / "work", "db"), decoded(tmp_path / "earlier", "abc")
    given = Photo("b", "cap", "test", "p", "b.jpg")
    with listing_of(Photo("a", "hat"), given, *photos("cd")) as listing:
        assert list(listing.join([work, earlier])) == [
            (1, "a", "hat", None, None, None, 1, 0, facts(ord("a"))),
            (2, "b", "cap", "test", "p", "b.jpg", 0, 1, facts(ord("b"))),
            (3, "c", "hat", None, None, None, 1, 2, facts(ord("c"))),
            (4, "d", "hat", None, None, None, 0, 0, facts(ord("d"))),
        ]
        assert listing.rejected() == []


def test_what_could_not_be_decoded_is_rejected_when_it_is_joined(tmp_path: Path) -> None:
    work = decoded(tmp_path / "work", "ad", {"c": "truncated", "b": "download"})
    with listing_of(*photos("abcd")) as listing:
        assert [row[1] for row in listing.join([work])] == ["a", "d"]
        assert listing.rejected() == [Rejected("b", "why b", "download"), Rejected("c", "why c", "truncated")]


def test_a_photo_that_could_not_be_fetched_again_is_taken_from_an_earlier_data_set(tmp_path: Path) -> None:
    work, earlier = decoded(tmp_path / "work", "", {"a": "download"}), decoded(tmp_path / "earlier", "a")
    with listing_of(*photos("a")) as listing:
        assert [row[6:8] for row in listing.join([work, earlier])] == [(1, 0)]
        assert listing.rejected() == []


def test_a_photo_that_was_changed_and_changed_back_is_taken_as_it_is_now(tmp_path: Path) -> None:
    work, earlier = decoded(tmp_path / "work", "a", stamp="in between "), decoded(tmp_path / "earlier", "ba")
    with listing_of(*photos("ab")) as listing:
        assert missing(listing, [work, earlier]) == ""
        assert [row[6:8] for row in listing.join([work, earlier])] == [(1, 1), (1, 0)]


def test_folders_are_read_whoever_holds_their_journal(tmp_path: Path) -> None:
    work = decoded(tmp_path / "work", "ab")
    holder = sqlite3.connect(work / JOURNAL, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with listing_of(*photos("abc")) as listing:
            assert missing(listing, [work]) == "c"
    finally:
        holder.close()


def test_folders_can_be_joined_again_after_one_that_was_left_early(tmp_path: Path) -> None:
    work = decoded(tmp_path / "work ?#%", "abc")
    with listing_of(*photos("abc")) as listing:
        assert [row[1] for row in itertools.islice(listing.join([work]), 1)] == ["a"]
        assert [row[1] for row in listing.join([work])] == ["a", "b", "c"]


def test_texts_are_in_the_order_in_which_they_are_asked_for() -> None:
    with listing_of(Photo("1", "hat", product_id="p"), Photo("2", "cap"), Photo("3", "hat")) as listing:
        assert listing.texts([3, 1]) == [("3", "hat", None), ("1", "hat", "p")]


def test_many_rows_are_little_memory() -> None:
    class Many(MadeUpSource):
        def rows(self) -> Iterator[Photo | Rejected]:
            return (Photo(f"class/{number:08}.jpg", "hat") for number in range(20_000))

    tracemalloc.start()
    try:
        with Listing() as listing:
            listing.fill(Many())
            assert listing.find_missing([]) == 20_000
            assert sum(1 for _ in listing.missing()) == 20_000
            peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000, "20,000 paths alone would be more"


def test_a_source_that_gives_up_midway_says_why() -> None:
    class Broken(MadeUpSource):
        def rows(self) -> Iterator[Photo | Rejected]:
            yield Photo("1", "hat")
            raise PhotoError("given up")

    with Listing() as listing, pytest.raises(PhotoError, match="given up"):
        listing.fill(Broken())
