"""Sets in MNIST's form, as they are downloaded: small ones with the true names and heads."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshelf.data.sources import idx as idx_files
from snapshelf.data.sources.idx import find_sets, read_content
from snapshelf.data.sources.mnist import MnistSource, recognise_mnist
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo, Rejected

PHOTOS_NHW = np.random.default_rng(0).integers(0, 256, (6, 5, 4))
LABELS_N = np.array([3, 0, 1, 2, 1, 0])


def idx(array: np.ndarray) -> bytes:
    """The IDX form of unsigned bytes."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def write_pair(folder: Path, part: str, *, labels_N: np.ndarray = LABELS_N, dot: str = "-", gz: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for kind, content in ((f"images{dot}idx3", idx(PHOTOS_NHW)), (f"labels{dot}idx1", idx(labels_N))):
        file = folder / f"{part}-{kind}-ubyte{'.gz' if gz else ''}"
        file.write_bytes(gzip.compress(content) if gz else content)


def labels(folder: Path) -> list[str]:
    return [row.label for row in MnistSource(folder).rows() if isinstance(row, Photo)]


@pytest.mark.parametrize(("dot", "gz"), [("-", True), ("-", False), (".", True), (".", False)])
def test_mnists_names_with_numbers_as_labels(tmp_path: Path, dot: str, gz: bool) -> None:
    write_pair(tmp_path, "t10k", dot=dot, gz=gz)
    write_pair(tmp_path, "train", dot=dot, gz=gz)
    rows = list(MnistSource(tmp_path).rows())
    assert len(rows) == 12
    assert rows[0] == Photo("train/00000", "3", "train")
    assert rows[-1] == Photo("test/00005", "0", "test")
    assert recognise_mnist(tmp_path)


def test_a_photo_of_any_size_is_its_grey_in_three_channels(tmp_path: Path) -> None:
    write_pair(tmp_path, "train")
    photo_HWC = MnistSource(tmp_path).read("train/00002")
    assert photo_HWC.shape == (5, 4, 3)
    assert photo_HWC.dtype == np.uint8
    for channel in range(3):
        np.testing.assert_array_equal(photo_HWC[..., channel], PHOTOS_NHW[2])


def test_emnist_is_turned_upright_and_named_by_its_mapping(tmp_path: Path) -> None:
    write_pair(tmp_path, "emnist-letters-train", labels_N=np.array([1, 2, 26, 1, 2, 26]))
    write_pair(tmp_path, "emnist-letters-test", labels_N=np.array([1, 2, 26, 1, 2, 26]))
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n26 90 122\n")
    source = MnistSource(tmp_path)
    assert labels(tmp_path) == ["A", "B", "Z"] * 4
    np.testing.assert_array_equal(source.read("test/00001")[..., 0], PHOTOS_NHW[1].T)


def test_a_split_alone_is_none(tmp_path: Path) -> None:
    write_pair(tmp_path, "train")
    assert {row.split for row in MnistSource(tmp_path).rows() if isinstance(row, Photo)} == {None}


@pytest.mark.parametrize("name", ["labels.txt", "classes.txt"])
def test_names_from_a_text_file(tmp_path: Path, name: str) -> None:
    write_pair(tmp_path, "train")
    (tmp_path / name).write_text("\ufeffhat\nred shoe \ncoat\nbag\n\n")
    assert labels(tmp_path) == ["bag", "hat", "red shoe", "coat", "red shoe", "hat"]


def test_a_label_without_a_name_is_rejected(tmp_path: Path) -> None:
    write_pair(tmp_path, "train")
    (tmp_path / "labels.txt").write_text("hat\nshoe\ncoat\n")
    first = next(iter(MnistSource(tmp_path).rows()))
    assert first == Rejected("train/00000", "its label is 3, which has no name in labels.txt; expected 0 to 2")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.txt", b"hat\nhat\n", "has 2 names; expected one for each label, all different"),
        ("labels.txt", b"", "has 0 names"),
        ("labels.txt", b"hat\n\nshoe\n", "no empty lines"),
        ("labels.txt", b"hat\n" * 300, "at most 256"),
        ("labels.txt", b"caf\xe9\n", "cannot be read as text in UTF-8"),
        ("emnist-x-mapping.txt", b"1,65\n", "has the line '1,65'; expected a label and its character's code"),
        ("emnist-x-mapping.txt", b"1 55296\n", "has the line"),
        ("emnist-x-mapping.txt", b"1 9999999\n", "has the line"),
    ],
)
def test_a_broken_file_of_names_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    write_pair(tmp_path, "emnist-x-train")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        MnistSource(tmp_path)


def test_several_sets_in_a_folder_are_named(tmp_path: Path) -> None:
    write_pair(tmp_path, "emnist-letters-train")
    write_pair(tmp_path, "train")
    with pytest.raises(SourceError, match=r"2 sets: emnist-letters- \(emnist-.*, without prefix \(train-images-idx3"):
        MnistSource(tmp_path)


def test_a_missing_half_is_named(tmp_path: Path) -> None:
    write_pair(tmp_path, "train")
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    assert recognise_mnist(tmp_path) is None
    with pytest.raises(SourceError, match=r"has no train-labels-idx1-ubyte\.gz .* to its train-images-idx3-ubyte"):
        MnistSource(tmp_path)


def test_no_idx_files_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"has no IDX files\. Expected train-images-idx3-ubyte"):
        MnistSource(tmp_path)
    assert recognise_mnist(tmp_path / "missing") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(PHOTOS_NHW[:5]), "and 6 labels"),
        (idx(np.zeros((6, 0, 4))), "expected photos"),
        (idx(PHOTOS_NHW) + b"x", "says that it holds"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, "says that it holds"),
        (bytes([0, 0, 13, 3]) + b"\x00" * 12, "begins with 00000d03"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    write_pair(tmp_path, "train", gz=False)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(SourceError, match=message):
        MnistSource(tmp_path)


@given(content=st.binary(max_size=40))
def test_wild_bytes_are_refused_in_words(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("wild")
    write_pair(folder, "train")
    (folder / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(SourceError):
        MnistSource(folder)


def test_what_unpacks_without_end_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx_files, "_LARGEST_BYTES", 1 << 20)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(3 << 20)))
    with pytest.raises(SourceError, match="more than 1,048,576 bytes"):
        read_content(tmp_path / "bomb.gz")


def test_of_a_file_that_is_there_twice_the_compressed_one_counts(tmp_path: Path) -> None:
    write_pair(tmp_path, "train", gz=True)
    write_pair(tmp_path, "train", gz=False)
    images = find_sets(tmp_path)[""].parts["train"].images
    assert images == tmp_path / "train-images-idx3-ubyte.gz"


def test_a_photo_that_is_not_there(tmp_path: Path) -> None:
    write_pair(tmp_path, "train")
    with pytest.raises(PhotoError, match="no photo 'train/00006'"):
        MnistSource(tmp_path).read("train/00006")


def test_the_stamp_changes_with_a_file(tmp_path: Path) -> None:
    write_pair(tmp_path, "train")
    before = MnistSource(tmp_path).stamp("train/00000")
    write_pair(tmp_path, "train", labels_N=LABELS_N[::-1])
    assert MnistSource(tmp_path).stamp("train/00000") != before
