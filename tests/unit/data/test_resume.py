"""Going on after an interruption, and from an earlier data set: decoded is only what has to be."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from snapshelf.data.collect import PlacedPhotos, collect
from snapshelf.data.dataset import PHOTOS
from snapshelf.data.decoding import DecodeJob
from snapshelf.data.listing import Listing
from snapshelf.data.prepared import JOURNAL, PhotoWriter
from snapshelf.data.resume import decode_missing, gather
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.types import Photo, Rejected

SIZE_PX = 8
BROKEN = b"no picture"


def grey(level: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (10, 10), level).save(file, "PNG")
    return file.getvalue()


class Shelf:
    """Photos held in memory, and which of them were read."""

    format = "shelf"

    def __init__(self, content: dict[str, bytes]) -> None:
        self.content = content
        self.was_read: list[str] = []

    def rows(self) -> Iterator[Photo | Rejected]:
        return (Photo(path, ("hat", "cap")[number % 2]) for number, path in enumerate(self.content))

    def read(self, path: str) -> bytes:
        self.was_read.append(path)
        return self.content[path]

    def stamp(self, path: str) -> str:
        return str(hash(self.content[path]))


def listing_of(shelf: Shelf) -> Listing:
    listing = Listing()
    listing.fill(shelf)
    return listing


def decode(shelf: Shelf, work: Path, earlier: Path | None = None) -> tuple[list[str], int]:
    """Which photos were read, in order, and how many rows the work folder has then."""
    shelf.was_read.clear()
    with listing_of(shelf) as listing:
        job = DecodeJob(shelf, Preprocess(size_px=SIZE_PX), DecodeLimits(), num_threads=1)
        num_rows = decode_missing(job, listing, work, earlier)
    return list(shelf.was_read), num_rows


def shelf_of(*levels: int) -> Shelf:
    return Shelf({str(level): grey(level) for level in levels})


def test_everything_is_decoded_once(tmp_path: Path) -> None:
    shelf = shelf_of(10, 20, 30)
    assert decode(shelf, tmp_path) == (["10", "20", "30"], 3)
    assert decode(shelf, tmp_path) == ([], 3)


def test_what_is_new_or_has_changed_is_decoded(tmp_path: Path) -> None:
    shelf = shelf_of(10, 20)
    decode(shelf, tmp_path / "earlier")
    shelf.content |= {"20": grey(21), "30": grey(30)}
    assert decode(shelf, tmp_path / "work", tmp_path / "earlier") == (["20", "30"], 2)


def test_what_cannot_be_decoded_is_not_tried_again_by_the_run_that_goes_on(tmp_path: Path) -> None:
    shelf = Shelf({"10": grey(10), "bad": BROKEN, "20": grey(20)})
    assert decode(shelf, tmp_path) == (["10", "bad", "20"], 2)
    assert decode(shelf, tmp_path) == ([], 2)


def test_what_an_earlier_data_set_rejected_is_tried_again_and_rejected_with_its_reason(tmp_path: Path) -> None:
    shelf = Shelf({"10": grey(10), "bad": BROKEN, "20": grey(20), "30": grey(30)})
    known = [tmp_path / "work", tmp_path / "earlier"]
    decode(shelf, known[1])
    assert decode(shelf, *known) == (["bad"], 0)
    with listing_of(shelf) as listing:
        assert len(collect(listing, known)) == 3
        (bad,) = listing.rejected()
        assert (bad.path, bad.flaw) == ("bad", "unreadable")
        assert "Not a picture" in bad.reason


def test_a_commit_that_was_interrupted_is_taken_back_and_made_up_for(tmp_path: Path) -> None:
    shelf, work = shelf_of(10, 20), tmp_path / "work"
    decode(shelf, work)
    undo = undo_to(work, tmp_path / "copy")
    shelf.content["30"] = grey(30)
    decode(shelf, work)
    (work / f"{JOURNAL}-journal").write_bytes(undo)  # as if killed before SQLite had done away with it
    assert decode(shelf, work) == (["30"], 3)
    with listing_of(shelf) as listing:
        assert len(collect(listing, [work])) == 3


def undo_to(work: Path, copy: Path) -> bytes:
    """What SQLite would put a work folder's journal back with, if a transaction were interrupted now."""
    shutil.copytree(work, copy)
    with PhotoWriter(copy, SIZE_PX) as writer:
        writer._connection.execute("PRAGMA cache_size = 1")  # so that it is on the disk before the end
        writer._connection.execute("DELETE FROM photos")
        noted = [(f"{number:0500}", "stamp", number, b"facts", None, None) for number in range(200)]
        writer._connection.executemany("INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?)", noted)
        return (copy / f"{JOURNAL}-journal").read_bytes()


def test_chosen_photos_are_copied_in_their_order_with_their_facts(tmp_path: Path) -> None:
    shelf = shelf_of(10, 20, 30, 40)
    known = [tmp_path / "work", tmp_path / "earlier"]
    decode(Shelf({path: shelf.content[path] for path in ("30", "10")}), known[1])
    decode(shelf, *known)
    with listing_of(shelf) as listing:
        columns = collect(listing, known)
        with PlacedPhotos(known, columns) as photos:
            gather(tmp_path / "new", listing, columns, photos, np.array([0, 2, 3]))
    assert np.load(tmp_path / "new" / PHOTOS)[:, 0, 0, 0].tolist() == [10, 30, 40]
    shelf.content.pop("20")
    assert decode(shelf, tmp_path / "next", tmp_path / "new") == ([], 0)
    with listing_of(shelf) as listing:
        again = collect(listing, [tmp_path / "next", tmp_path / "new"])
    np.testing.assert_array_equal(again.facts_N, columns.facts_N[[0, 2, 3]])
