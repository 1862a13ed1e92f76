"""Folders as they come from people's disks."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from snapshelf.data.sources.folder import FolderSource
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo, Rejected


def touched(root: Path, names: Iterable[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"content of " + name.encode())
    return root


def photos(root: Path) -> list[Photo]:
    return [row for row in FolderSource(root).rows() if isinstance(row, Photo)]


def rejected(root: Path) -> dict[str, str]:
    return {row.path: row.reason for row in FolderSource(root).rows() if isinstance(row, Rejected)}


def test_class_folders_in_the_order_of_paths(tmp_path: Path) -> None:
    root = touched(tmp_path, ["shoe/b.JPG", "shoe/a.png", "hat/1.webp"])
    assert photos(root) == [Photo("hat/1.webp", "hat"), Photo("shoe/a.png", "shoe"), Photo("shoe/b.JPG", "shoe")]


def test_split_folders_in_any_case_and_val_for_validation(tmp_path: Path) -> None:
    root = touched(tmp_path, ["Train/hat/1.jpg", "VAL/hat/2.jpg", "test/hat/3.jpg", "README.txt"])
    assert {photo.path: photo.split for photo in photos(root)} == {
        "Train/hat/1.jpg": "train",
        "VAL/hat/2.jpg": "validation",
        "test/hat/3.jpg": "test",
    }
    assert {photo.label for photo in photos(root)} == {"hat"}


def test_a_class_may_be_named_train(tmp_path: Path) -> None:
    root = touched(tmp_path, ["train/1.jpg", "car/2.jpg"])
    assert [(photo.label, photo.split) for photo in photos(root)] == [("car", None), ("train", None)]


def test_folders_below_a_class_belong_to_it(tmp_path: Path) -> None:
    assert photos(touched(tmp_path, ["hat/summer/straw/1.jpg"])) == [Photo("hat/summer/straw/1.jpg", "hat")]


def test_other_files_in_class_folders_are_rejected_but_not_the_systems_own(tmp_path: Path) -> None:
    root = touched(
        tmp_path, ["hat/1.jpg", "hat/notes.txt", "hat/photo.psd", "hat/.DS_Store", "hat/Thumbs.db", "LICENSE"]
    )
    assert set(rejected(root)) == {"hat/notes.txt", "hat/photo.psd"}
    assert ".jpg" in rejected(root)["hat/notes.txt"]


def test_a_photo_in_no_class_folder_is_rejected(tmp_path: Path) -> None:
    root = touched(tmp_path, ["loose.jpg", "hat/1.jpg"])
    assert rejected(root) == {"loose.jpg": "lies in no class folder"}


def test_a_folder_beside_the_splits_is_rejected(tmp_path: Path) -> None:
    root = touched(tmp_path, ["train/hat/1.jpg", "extra/hat/2.jpg"])
    assert "beside train" in rejected(root)["extra"]
    assert len(photos(root)) == 1


def test_links_that_leave_the_source_or_loop_are_not_followed(tmp_path: Path) -> None:
    outside = touched(tmp_path / "outside", ["secret.jpg"])
    root = touched(tmp_path / "source", ["hat/1.jpg", "shoe/2.jpg"])
    (root / "hat" / "out.jpg").symlink_to(outside / "secret.jpg")
    (root / "hat" / "up").symlink_to(root)
    (root / "hat" / "ring").symlink_to(root / "hat" / "ring")
    (root / "hat" / "gone.jpg").symlink_to(root / "nothing.jpg")
    (root / "hat" / "same.jpg").symlink_to(root / "shoe" / "2.jpg")
    (root / "elsewhere").symlink_to(outside)
    reasons = rejected(root)
    assert "leaves the source" in reasons["hat/out.jpg"]
    assert "leaves the source" in reasons["elsewhere"]
    assert "loop" in reasons["hat/up"]
    assert "loop" in reasons["hat/ring"]
    assert reasons["hat/gone.jpg"] == "a link to nothing"
    assert [photo.path for photo in photos(root)] == ["hat/1.jpg", "hat/same.jpg", "shoe/2.jpg"]


def test_links_between_two_classes_in_a_ring_end(tmp_path: Path) -> None:
    root = touched(tmp_path, ["a/1.jpg", "b/2.jpg"])
    (root / "a" / "to_b").symlink_to(root / "b")
    (root / "b" / "to_a").symlink_to(root / "a")
    assert [photo.path for photo in photos(root)] == ["a/1.jpg", "a/to_b/2.jpg", "b/2.jpg", "b/to_a/1.jpg"]


def test_a_name_that_is_not_utf_8_is_rejected(tmp_path: Path) -> None:
    root = touched(tmp_path, ["hat/1.jpg"])
    try:
        (root / os.fsdecode(b"hat/caf\xe9.jpg")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert "UTF-8" in rejected(root)["hat/caf?.jpg"]


def test_something_that_is_no_file_is_rejected(tmp_path: Path) -> None:
    root = touched(tmp_path, ["hat/1.jpg"])
    os.mkfifo(root / "hat" / "pipe.jpg")
    assert rejected(root) == {"hat/pipe.jpg": "neither a file nor a folder"}


def test_no_photos_says_what_was_expected(tmp_path: Path) -> None:
    touched(tmp_path, ["hat/readme.md"])
    with pytest.raises(
        SourceError, match=r"Found 0 photos in class folders of .*<class>/photo\.jpg or .*/train/.*\.jpeg"
    ):
        list(FolderSource(tmp_path).rows())


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a folder"):
        FolderSource(touched(tmp_path, ["file.jpg"]) / "file.jpg")


def test_read_gives_the_bytes_and_nothing_outside(tmp_path: Path) -> None:
    source = FolderSource(touched(tmp_path / "source", ["hat/1.jpg"]))
    touched(tmp_path, ["secret.jpg"])
    assert source.read("hat/1.jpg") == b"content of hat/1.jpg"
    with pytest.raises(PhotoError, match="leaves the source"):
        source.read("../secret.jpg")
    with pytest.raises(PhotoError, match="No such file"):
        source.read("hat/2.jpg")


def test_the_stamp_changes_with_the_file(tmp_path: Path) -> None:
    source = FolderSource(touched(tmp_path, ["hat/1.jpg"]))
    before = source.stamp("hat/1.jpg")
    assert source.stamp("hat/1.jpg") == before
    (tmp_path / "hat" / "1.jpg").write_bytes(b"another")
    assert source.stamp("hat/1.jpg") != before
