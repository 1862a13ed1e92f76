from __future__ import annotations

from pathlib import Path

import pytest

from snapshelf.errors import ConfigError
from snapshelf.foreign.labels import labels_of


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.txt", "coat\nshirt\nt-shirt/top\n"),
        ("labels.txt", "\ufeffcoat\r\nshirt\r\nt-shirt/top\r\n\r\n"),
        ("labels", "coat\nshirt \nt-shirt/top"),
        ("labels.json", '["coat", "shirt", "t-shirt/top"]'),
        ("labels.json", '{"shirt": 1, "coat": 0, "t-shirt/top": 2}'),
        ("labels.json", '{"0": "coat", "2": "t-shirt/top", "1": "shirt"}'),
    ],
)
def test_files_of_labels(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode())
    assert labels_of(str(tmp_path / name)) == ["coat", "shirt", "t-shirt/top"]


def test_labels_that_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"7": 0, "9": 1}')
    assert labels_of(str(tmp_path / "labels.json")) == ["7", "9"]


def test_labels_with_commas_between() -> None:
    assert labels_of("coat, shirt,bag") == ["coat", "shirt", "bag"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("labels.txt", "no such file"),
        ("coat", "no such file"),
        ("coat,,bag", "label number 2 is empty"),
        ("coat,bag,coat", "'coat' is there 2 times"),
    ],
)
def test_labels_that_are_none(given: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        labels_of(given)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"coat\n", "1 found; expected at least two"),
        (b"", "0 found"),
        (b"coat\n\nbag\n", "label number 2 is empty"),
        (b"\xff\xfe\x00", "cannot be read as text"),
        (b"[1, 2]", "expected JSON as"),
        (b'{"coat": 0, "bag": 2}', "every number from 0 on once"),
        (b'{"coat": 0, "bag": [1]}', "expected JSON as"),
        (b'{"coat": 0, "bag"', "expected JSON as"),
    ],
)
def test_files_that_hold_none(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "labels").write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        labels_of(str(tmp_path / "labels"))
