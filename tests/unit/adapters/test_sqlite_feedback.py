"""What customers say is kept, reviewed, taken back and forgotten; photos only as long as they are meant to be."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from snapshelf.adapters import sqlite_feedback
from snapshelf.adapters.sqlite_feedback import Feedback, SqliteFeedback
from snapshelf.errors import StoreError

FIRST_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY,
    created_at TEXT NOT NULL,
    request_id TEXT NOT NULL,
    model_id TEXT,
    predicted_label TEXT,
    helpful INTEGER,
    correct_label TEXT,
    product_id TEXT,
    comment TEXT
)
"""
WRONG = Feedback("r1", "m1", "sneaker", helpful=False, correct_label="sandal", comment="no <b>")


class Clock:
    """A time that tests move on."""

    def __init__(self) -> None:
        self.time = datetime(2026, 5, 4, 10, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "feedback.sqlite"


@pytest.fixture
def feedback(path: Path, clock: Clock) -> Iterator[SqliteFeedback]:
    opened = SqliteFeedback(path, clock)
    yield opened
    opened.close()


def test_what_was_said_is_read_newest_first(feedback: SqliteFeedback) -> None:
    first = feedback.add(WRONG)
    second = feedback.add(Feedback("r2", product_id="p1", helpful=True), b"jpeg")
    newest, oldest = feedback.newest(offset=0, limit=10)
    assert (newest.id, newest.feedback, newest.has_photo) == (
        second.id,
        Feedback("r2", product_id="p1", helpful=True),
        True,
    )
    assert (oldest.id, oldest.feedback, oldest.has_photo) == (first.id, WRONG, False)
    assert (oldest.created_at, oldest.state, oldest.label, oldest.reviewed_at) == (
        "2026-05-04T10:12:00+00:00",
        "waiting",
        None,
        None,
    )
    assert feedback.newest(offset=1, limit=10) == [oldest]
    assert feedback.photo(second.id) == b"jpeg"
    assert feedback.photo(first.id) is None


def test_nobody_but_the_owner_may_read_the_file(feedback: SqliteFeedback, path: Path) -> None:
    feedback.add(WRONG)
    for each in path.parent.glob("feedback.sqlite*"):
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each


def test_review_and_back(feedback: SqliteFeedback, clock: Clock) -> None:
    number = feedback.add(WRONG).id
    clock.time += timedelta(hours=1)
    accepted = feedback.review(number, "accepted")
    assert accepted == feedback.get(number)
    assert accepted is not None
    assert (accepted.state, accepted.label, accepted.reviewed_at) == (
        "accepted",
        "sandal",
        "2026-05-04T11:12:00+00:00",
    )
    corrected = feedback.review(number, "accepted", "boot")
    assert corrected is not None
    assert (corrected.label, corrected.feedback.correct_label) == ("boot", "sandal")
    rejected = feedback.review(number, "rejected")
    assert rejected is not None
    assert (rejected.state, rejected.label) == ("rejected", None)
    waiting = feedback.review(number, "waiting")
    assert waiting is not None
    assert (waiting.state, waiting.label, waiting.reviewed_at) == ("waiting", None, None)
    assert feedback.review(number + 1, "accepted") is None


@pytest.mark.parametrize(
    ("said", "label"),
    [
        (Feedback("r", "m", "sneaker", helpful=True), "sneaker"),
        (Feedback("r", "m", "sneaker", helpful=False), None),
        (Feedback("r", "m", "sneaker", helpful=True, product_id="p1"), None),
        (Feedback("r", "m", "sneaker", correct_label="sandal"), "sandal"),
        (Feedback("r", comment="nice"), None),
    ],
)
def test_what_an_accepted_remark_says_of_its_photo(feedback: SqliteFeedback, said: Feedback, label: str | None) -> None:
    accepted = feedback.review(feedback.add(said).id, "accepted")
    assert accepted is not None
    assert accepted.label == label


def test_counts_and_pages_of_one_state(feedback: SqliteFeedback) -> None:
    numbers = [feedback.add(WRONG).id for _ in range(5)]
    feedback.review(numbers[1], "accepted")
    feedback.review(numbers[3], "rejected")
    assert feedback.counts() == {"waiting": 3, "accepted": 1, "rejected": 1}
    assert [each.id for each in feedback.newest(offset=0, limit=2, state="waiting")] == [numbers[4], numbers[2]]
    assert [each.id for each in feedback.newest(offset=0, limit=9, state="rejected")] == [numbers[3]]


def test_taken_back_with_the_right_token_alone(feedback: SqliteFeedback) -> None:
    one, other = feedback.add(WRONG, b"jpeg"), feedback.add(WRONG)
    assert not feedback.undo(one.id, other.undo_token)
    assert not feedback.undo(one.id, "")
    assert feedback.undo(one.id, one.undo_token)
    assert not feedback.undo(one.id, one.undo_token)
    assert [each.id for each in feedback.newest(offset=0, limit=9)] == [other.id]
    assert feedback.photo(one.id) is None
    assert feedback.add(WRONG).id > other.id


def test_numbers_are_never_given_twice(feedback: SqliteFeedback) -> None:
    last = feedback.add(WRONG)
    feedback.undo(last.id, last.undo_token)
    assert feedback.add(WRONG).id == last.id + 1


def test_too_late_to_take_back(feedback: SqliteFeedback, clock: Clock) -> None:
    late, reviewed = feedback.add(WRONG), feedback.add(WRONG)
    feedback.review(reviewed.id, "accepted")
    assert not feedback.undo(reviewed.id, reviewed.undo_token)
    clock.time += timedelta(minutes=11)
    assert not feedback.undo(late.id, late.undo_token)


def test_what_is_old_is_forgotten_and_rejected_photos_after_a_day(feedback: SqliteFeedback, clock: Clock) -> None:
    old, rejected, waiting = (feedback.add(WRONG, b"jpeg") for _ in range(3))
    feedback.review(rejected.id, "rejected")
    assert feedback.forget(timedelta(days=30)) == 0
    assert feedback.photo(rejected.id) == b"jpeg"
    clock.time += timedelta(days=2)
    assert feedback.forget(timedelta(days=30)) == 0
    assert (feedback.photo(rejected.id), feedback.photo(waiting.id)) == (None, b"jpeg")
    clock.time += timedelta(days=29)
    newest = feedback.add(WRONG)
    assert feedback.forget(timedelta(days=30)) == 3
    assert [each.id for each in feedback.newest(offset=0, limit=9)] == [newest.id]
    assert feedback.photo(old.id) is None


def test_what_is_removed_is_overwritten_in_the_file(path: Path) -> None:
    opened = SqliteFeedback(path)
    receipt = opened.add(Feedback("r", comment="secret of mine"), b"picture of mine" * 1000)
    assert opened.undo(receipt.id, receipt.undo_token)
    opened.close()
    assert b"of mine" not in path.read_bytes()


def test_beyond_a_number_photos_are_not_kept(feedback: SqliteFeedback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_feedback, "MOST_PHOTOS", 2)
    assert [feedback.add(WRONG, b"jpeg").photo_kept for _ in range(3)] == [True, True, False]
    assert [each.has_photo for each in feedback.newest(offset=0, limit=9)] == [False, True, True]


def test_the_file_of_an_older_snapshelf_goes_on(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as old:
        old.execute(FIRST_SCHEMA)
        said = (7, "2026-01-02T03:04:05+00:00", "r", "m", "boot", 0, "shoe", "p", "why")
        old.execute("INSERT INTO feedback VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", said)
    old.close()
    for _ in range(2):
        opened = SqliteFeedback(path)
        (kept,) = opened.newest(offset=0, limit=9)
        assert (kept.id, kept.created_at, kept.state) == (7, "2026-01-02T03:04:05+00:00", "waiting")
        assert kept.feedback == Feedback(
            "r", "m", "boot", helpful=False, correct_label="shoe", product_id="p", comment="why"
        )
        opened.close()
    opened = SqliteFeedback(path)
    assert opened.add(WRONG).id == 8
    opened.close()


def test_the_file_of_a_newer_snapshelf_is_refused_in_words(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(StoreError, match=r"feedback.sqlite has schema 99; this snapshelf reads up to 1"):
        SqliteFeedback(path)


def test_two_servers_and_many_threads_write_to_one_file(path: Path) -> None:
    opened = [SqliteFeedback(path), SqliteFeedback(path)]
    with ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(lambda number: opened[number % 2].add(WRONG, b"jpeg"), range(40)))
    assert len({each.id for each in receipts}) == 40
    assert opened[0].counts()["waiting"] == opened[1].counts()["waiting"] == 40
    for each in opened:
        each.close()
