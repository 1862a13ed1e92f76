"""Fashion-MNIST's files: read, refused, found, fetched. Small ones in the true format stand for the real ones."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from snapshelf.data.sources import fashion_mnist, fashion_mnist_files, open_source
from snapshelf.data.sources.fashion_mnist import LABELS, FashionMnistSource, holds_fashion_mnist
from snapshelf.data.sources.fashion_mnist_files import PACKAGE, check, find_or_fetch
from snapshelf.data.sources.options import SourceOptions
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo


def idx(array: np.ndarray) -> bytes:
    """The IDX form of unsigned bytes."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def write_files(folder: Path, *, compressed: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for part, number in (("train", 20), ("t10k", 10)):
        contents = {
            f"{part}-images-idx3-ubyte": idx(random.integers(0, 256, (number, 28, 28))),
            f"{part}-labels-idx1-ubyte": idx(np.arange(number) % 10),
        }
        for name, content in contents.items():
            file = folder / (f"{name}.gz" if compressed else name)
            file.write_bytes(gzip.compress(content) if compressed else content)
    return folder


@pytest.mark.parametrize("compressed", [True, False])
def test_photos_with_their_given_splits_and_labels(tmp_path: Path, *, compressed: bool) -> None:
    source = FashionMnistSource(write_files(tmp_path, compressed=compressed))
    rows = list(source.rows())
    assert rows[0] == Photo("train/00000", "t-shirt/top", "train")
    assert rows[-1] == Photo("test/00009", "ankle boot", "test")
    assert len(rows) == 30
    assert set(LABELS) == {row.label for row in rows}


def test_a_photo_is_its_grey_in_three_channels(tmp_path: Path) -> None:
    source = FashionMnistSource(write_files(tmp_path, compressed=False))
    photo_HWC = source.read("train/00001")
    content = (tmp_path / "train-images-idx3-ubyte").read_bytes()
    expected_HW = np.frombuffer(content, np.uint8, offset=16).reshape(20, 28, 28)[1]
    assert photo_HWC.shape == (28, 28, 3)
    for channel in range(3):
        np.testing.assert_array_equal(photo_HWC[..., channel], expected_HW)


@pytest.mark.parametrize("path", ["train/99999", "train/-1", "validation/00001", "train/x", "nothing"])
def test_a_photo_that_is_not_there(tmp_path: Path, path: str) -> None:
    with pytest.raises(PhotoError, match="no photo"):
        FashionMnistSource(write_files(tmp_path)).read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (write_files(tmp_path) / "t10k-labels-idx1-ubyte.gz").unlink()
    assert not holds_fashion_mnist(tmp_path)
    with pytest.raises(SourceError, match=r"has no t10k-labels-idx1-ubyte\.gz"):
        FashionMnistSource(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with ; expected 00000803"),
        (b"<html>not found</html>", "begins with 3c68746d"),
        (idx(np.zeros((20, 28, 28)))[:-1], r"says that it holds \(20, 28, 28\), but 15,679 bytes follow"),
        (idx(np.zeros((20, 32, 32))), r"expected photos \(N, 28, 28\)"),
        (idx(np.zeros((19, 28, 28))), "and 20 labels"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (write_files(tmp_path, compressed=False) / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(SourceError, match=message):
        FashionMnistSource(tmp_path)


def test_a_cut_off_gz_is_refused(tmp_path: Path) -> None:
    file = write_files(tmp_path) / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(SourceError, match="cannot be read"):
        FashionMnistSource(tmp_path)


def test_an_unknown_label_is_refused(tmp_path: Path) -> None:
    (write_files(tmp_path, compressed=False) / "t10k-labels-idx1-ubyte").write_bytes(idx(np.full(10, 10)))
    with pytest.raises(SourceError, match="is 10; expected 0 to 9"):
        FashionMnistSource(tmp_path)


def test_a_folder_is_recognised_by_its_name(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "FashionMNIST")
    source, reason = open_source(str(folder), "auto", SourceOptions(tmp_path))
    assert source.format == "fashion-mnist"
    assert "its name says so" in reason


def test_a_folder_is_recognised_by_its_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_files(tmp_path / "raw")
    sha256 = hashlib.sha256(gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())).hexdigest()
    monkeypatch.setitem(fashion_mnist.SHA256, "t10k-labels-idx1-ubyte", sha256)
    source, reason = open_source(str(folder), "auto", SourceOptions(tmp_path))
    assert source.format == "fashion-mnist"
    assert "labels are Fashion-MNIST's" in reason


def test_files_of_the_same_names_with_other_labels_are_mnist(tmp_path: Path) -> None:
    source, reason = open_source(str(write_files(tmp_path / "raw")), "auto", SourceOptions(tmp_path))
    assert source.format == "mnist"
    assert "t10k-images-idx3-ubyte.gz, not Fashion-MNIST's" in reason


def test_other_content_has_another_sha256(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"train-images-idx3-ubyte has the sha256 [0-9a-f]{64}; expected c59f468a"):
        check(write_files(tmp_path))


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the small files for the real ones."""
    monkeypatch.setattr(fashion_mnist_files, "check", FashionMnistSource)


def bring_files(folder: Path) -> None:
    write_files(folder)


def unreachable(folder: Path) -> None:
    raise OSError("no route to host")


@pytest.mark.usefixtures("trusting")
def test_an_installed_copy_is_taken_before_anything_is_fetched(tmp_path: Path) -> None:
    installed = write_files(tmp_path / "installed")
    assert find_or_fetch(tmp_path / "downloads", installed, (("apt", unreachable),)) == installed


@pytest.mark.usefixtures("trusting")
def test_the_next_way_is_taken_and_what_it_brought_is_kept(tmp_path: Path) -> None:
    ways = (("apt", unreachable), ("web", bring_files))
    kept = find_or_fetch(tmp_path / "downloads", tmp_path / "none", ways)
    assert kept == tmp_path / "downloads" / "fashion-mnist"
    assert find_or_fetch(tmp_path / "downloads", tmp_path / "none", ()) == kept


def test_what_was_fetched_is_not_kept_when_its_sha256_is_wrong(tmp_path: Path) -> None:
    ways = (("web", bring_files),)
    with pytest.raises(SourceError, match="sha256"):
        find_or_fetch(tmp_path / "downloads", tmp_path / "none", ways)
    assert not (tmp_path / "downloads" / "fashion-mnist").exists()


def test_where_nothing_works_all_three_ways_are_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        find_or_fetch(tmp_path / "downloads", tmp_path / "none", (("apt", unreachable),))
    message = str(caught.value)
    assert "apt: no route to host" in message
    assert f"apt-get install {PACKAGE}" in message
    assert f"apt-get download {PACKAGE} && dpkg-deb -x" in message
    assert "http://fashion-mnist.s3-website" in message
