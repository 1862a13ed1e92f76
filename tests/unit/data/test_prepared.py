"""What was decoded once is kept whole, through interruptions."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from pathlib import Path

import numpy as np
import pytest

from snapshelf.data import prepared
from snapshelf.data.dataset import PHOTOS
from snapshelf.data.facts import FACTS_VERSION
from snapshelf.data.prepared import JOURNAL, PhotoWriter, usable_journal
from snapshelf.errors import StoreError
from snapshelf.types import Rejected

SIZE_PX = 8

Noted = tuple[str, str, int | None, bytes | None, str | None, str | None]
"""Path, stamp, row, facts, reason, flaw."""


def add(writer: PhotoWriter, *numbers: int, stamp: str = "stamp") -> None:
    for number in numbers:
        writer.add(str(number), stamp, np.full((SIZE_PX, SIZE_PX, 3), number, np.uint8), b"facts %d" % number)


def journal(folder: Path) -> list[Noted]:
    connection = sqlite3.connect(folder / JOURNAL)
    try:
        return connection.execute("SELECT * FROM photos ORDER BY path").fetchall()
    finally:
        connection.close()


def rows_by_path(folder: Path) -> dict[str, int | None]:
    return {path: row for path, _, row, *_ in journal(folder)}


def photos(folder: Path) -> list[int]:
    """The number that all pixels of each photo are."""
    photos_NSSC = np.load(folder / PHOTOS)
    assert photos_NSSC.dtype == np.uint8
    assert (photos_NSSC == photos_NSSC[:, :1, :1, :1]).all()
    return [int(photo[0, 0, 0]) for photo in photos_NSSC]


@pytest.fixture
def seldom_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test commits is committed."""
    monkeypatch.setattr(prepared, "_COMMIT_EVERY_S", 3600)


def killed(folder: Path, writer: PhotoWriter, afterwards: Path) -> Path:
    """The folder as it is on the disk in the midst of the writing: what is found after a kill."""
    writer._file.flush()
    shutil.copytree(folder, afterwards)
    return afterwards


def test_photos_are_found_again_with_their_facts_and_pixels(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        add(writer, 3, 1, 2)
    assert np.load(tmp_path / PHOTOS, mmap_mode="r").shape == (3, SIZE_PX, SIZE_PX, 3)
    assert photos(tmp_path) == [3, 1, 2]
    assert journal(tmp_path) == [
        ("1", "stamp", 1, b"facts 1", None, None),
        ("2", "stamp", 2, b"facts 2", None, None),
        ("3", "stamp", 0, b"facts 3", None, None),
    ]


def test_a_folder_without_photos_yet_can_be_read(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path / "new" / "folder", SIZE_PX):
        pass
    assert np.load(tmp_path / "new" / "folder" / PHOTOS, mmap_mode="r").shape == (0, SIZE_PX, SIZE_PX, 3)


def test_a_rejected_photo_is_known_by_its_reason_and_takes_no_row(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        writer.reject(Rejected("0", "its end is missing", "truncated"), "stamp")
        add(writer, 1)
        assert writer.num_rows == 1
    assert journal(tmp_path)[0] == ("0", "stamp", None, None, "its end is missing", "truncated")
    assert photos(tmp_path) == [1]


def test_writing_goes_on_where_it_was(tmp_path: Path) -> None:
    for numbers in (range(3), range(3, 7)):
        with PhotoWriter(tmp_path, SIZE_PX) as writer:
            assert writer.num_rows == numbers.start
            add(writer, *numbers)
    assert photos(tmp_path) == list(range(7))


def test_a_photo_that_has_changed_gets_a_new_row(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        add(writer, 1, 2, stamp="before")
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        add(writer, 1, stamp="after")
    assert rows_by_path(tmp_path) == {"1": 2, "2": 1}
    assert photos(tmp_path) == [1, 2, 1]


def test_a_photo_that_was_rejected_and_is_whole_now_is_no_longer_rejected(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        writer.reject(Rejected("1", "not fetched", "download"), "stamp")
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        add(writer, 1)
    assert journal(tmp_path) == [("1", "stamp", 0, b"facts 1", None, None)]


@pytest.mark.usefixtures("seldom_committed")
def test_what_was_not_committed_is_cut_off_and_the_rest_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    with PhotoWriter(folder, SIZE_PX) as writer:
        add(writer, 0)
    with PhotoWriter(folder, SIZE_PX) as writer:
        add(writer, 8, 9)
        left = killed(folder, writer, tmp_path / "left")
    with PhotoWriter(left, SIZE_PX) as writer:
        assert writer.num_rows == 1
        add(writer, 1)
    assert rows_by_path(left) == {"0": 0, "1": 1}
    assert photos(left) == [0, 1]


@pytest.mark.usefixtures("seldom_committed")
def test_photos_whose_last_pixels_were_not_written_are_not_promised(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    with PhotoWriter(folder, SIZE_PX) as writer:
        add(writer, 0)
        writer._commit()
        add(writer, 8)
        left = killed(folder, writer, tmp_path / "left")
        with (left / PHOTOS).open("r+b") as file:
            file.truncate((left / PHOTOS).stat().st_size - 100)
    with PhotoWriter(left, SIZE_PX):
        pass
    assert photos(left) == [0]


@pytest.mark.usefixtures("seldom_committed")
def test_an_interruption_in_the_midst_of_a_commit_loses_only_that_commit(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    with PhotoWriter(folder, SIZE_PX) as writer:
        add(writer, 0)
    with PhotoWriter(folder, SIZE_PX) as writer:
        writer._connection.execute("PRAGMA cache_size = 1")  # SQLite writes pages before it is told to commit
        noted = [(f"{number:0500}", "stamp", number, b"facts", None, None) for number in range(200)]
        writer._connection.executemany("INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?)", noted)
        left = killed(folder, writer, tmp_path / "left")
    assert (left / JOURNAL).stat().st_size > 50_000, "pages of it were written"
    with PhotoWriter(left, SIZE_PX) as writer:
        assert writer.num_rows == 1
    assert rows_by_path(left) == {"0": 0}
    assert usable_journal(left)


def test_what_was_done_before_an_error_is_kept(tmp_path: Path) -> None:
    def stopped() -> None:
        with PhotoWriter(tmp_path, SIZE_PX) as writer:
            add(writer, 0, 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert photos(tmp_path) == [0, 1]
    assert rows_by_path(tmp_path) == {"0": 0, "1": 1}


def test_two_cannot_write_at_once(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        add(writer, 0)
        with pytest.raises(StoreError, match="in use by another prepare"):
            PhotoWriter(tmp_path, SIZE_PX)
        writer._commit()
        with pytest.raises(StoreError, match="in use by another prepare"):
            PhotoWriter(tmp_path, SIZE_PX)
    assert photos(tmp_path) == [0]
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        assert writer.num_rows == 1


def test_photos_measured_by_another_version_are_decoded_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        add(writer, 0, 1)
    assert usable_journal(tmp_path)
    monkeypatch.setattr(prepared, "FACTS_VERSION", FACTS_VERSION + 1)
    assert not usable_journal(tmp_path)
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        assert writer.num_rows == 0
        add(writer, 2)
    assert usable_journal(tmp_path)
    assert photos(tmp_path) == [2]
    assert rows_by_path(tmp_path) == {"2": 0}


def test_a_journal_of_before_there_were_facts_is_dropped(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / JOURNAL)
    connection.execute("CREATE TABLE photos (path TEXT PRIMARY KEY, sha256 TEXT)")
    connection.close()
    (tmp_path / PHOTOS).touch()
    assert not usable_journal(tmp_path)
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        add(writer, 0)
    assert photos(tmp_path) == [0]


@pytest.mark.parametrize("lost", [JOURNAL, PHOTOS])
def test_a_folder_that_lacks_a_file_is_not_usable(tmp_path: Path, lost: str) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        add(writer, 0)
    (tmp_path / lost).unlink()
    assert not usable_journal(tmp_path)


def test_photos_whose_pixels_are_lost_are_not_promised(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        add(writer, 0, 1)
    (tmp_path / PHOTOS).unlink()
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        add(writer, 2)
    assert photos(tmp_path) == [2]
    assert rows_by_path(tmp_path) == {"2": 0}


def test_a_journal_that_is_no_journal_is_not_usable(tmp_path: Path) -> None:
    (tmp_path / PHOTOS).touch()
    for content in (b"", b"not a database " * 100):
        (tmp_path / JOURNAL).write_bytes(content)
        assert not usable_journal(tmp_path)


def test_a_journal_can_be_looked_at_whoever_holds_it(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        add(writer, 0)
        writer._commit()
        assert usable_journal(tmp_path)


def test_looking_at_a_journal_changes_nothing_and_needs_no_right_to_write(tmp_path: Path) -> None:
    folder = tmp_path / "a folder?#%"
    with PhotoWriter(folder, SIZE_PX) as writer:
        add(writer, 0)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert usable_journal(folder)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    finally:
        folder.chmod(stat.S_IRWXU)
