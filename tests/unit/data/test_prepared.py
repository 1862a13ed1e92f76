"""What was decoded once is kept whole, through interruptions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snapshelf.data import prepared
from snapshelf.data.dataset import PHOTOS
from snapshelf.data.decoding import Decoded
from snapshelf.data.prepared import KnownPhotos, PhotoWriter
from snapshelf.errors import StoreError
from snapshelf.types import Photo

SIZE_PX = 8


def decoded(number: int) -> Decoded:
    pixels_SSC = np.full((SIZE_PX, SIZE_PX, 3), number, np.uint8)
    return Decoded(Photo(str(number), "class"), pixels_SSC, f"sha {number}", 100 + number, 200)


def test_photos_are_found_again_with_their_pixels(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        for number in range(5):
            writer.add("stamp", decoded(number))
    with KnownPhotos(tmp_path) as known:
        assert known.photos_NSSC.shape == (5, SIZE_PX, SIZE_PX, 3)
        found = known.find("3", "stamp")
        assert found is not None
        assert (found.sha256, found.width_px, found.height_px, found.reason) == ("sha 3", 103, 200, None)
        assert (known.photos_NSSC[found.row] == 3).all()


def test_a_photo_that_has_changed_is_not_known(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        writer.add("before", decoded(1))
    with KnownPhotos(tmp_path) as known:
        assert known.find("1", "after") is None
        assert known.find("2", "before") is None


def test_a_rejected_photo_is_known_by_its_reason_and_takes_no_row(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        writer.reject("bad", "stamp", "broken")
        writer.add("stamp", decoded(1))
        assert writer.num_rows == 1
    with KnownPhotos(tmp_path) as known:
        found = known.find("bad", "stamp")
        assert found is not None
        assert found.reason == "broken"


def test_writing_goes_on_where_it_was(tmp_path: Path) -> None:
    for numbers in (range(3), range(3, 7)):
        with PhotoWriter(tmp_path, SIZE_PX) as writer:
            for number in numbers:
                writer.add("stamp", decoded(number))
    with KnownPhotos(tmp_path) as known:
        assert [int(photo[0, 0, 0]) for photo in known.photos_NSSC] == list(range(7))


def test_what_was_not_committed_is_cut_off_and_the_rest_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "_COMMIT_EVERY_S", 3600)
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        writer.add("stamp", decoded(0))
    killed = PhotoWriter(tmp_path, SIZE_PX)
    killed.add("stamp", decoded(9))
    killed._file.flush()
    killed._connection.close()  # as when the process is killed: nothing is committed any more
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        assert writer.has("0", "stamp")
        assert not writer.has("9", "stamp")
        writer.add("stamp", decoded(1))
    assert [int(photo[0, 0, 0]) for photo in np.load(tmp_path / PHOTOS)] == [0, 1]


def test_two_cannot_write_at_once(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX), pytest.raises(StoreError, match="in use by another prepare"):
        PhotoWriter(tmp_path, SIZE_PX)
