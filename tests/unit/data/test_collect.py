"""Collecting: columns in the source's order, labels by their names, pixels from wherever they lie."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from snapshelf.data import collect as collecting
from snapshelf.data.collect import Columns, PlacedPhotos, collect
from snapshelf.data.facts import FACTS
from snapshelf.data.listing import Listing
from snapshelf.data.prepared import PhotoWriter
from snapshelf.errors import SourceError
from snapshelf.types import Photo, Rejected

SIZE_PX = 8
STAMP = "now "


class ListSource:
    """Photos that are only listed."""

    format = "list"

    def __init__(self, photos: list[Photo]) -> None:
        self.photos = photos

    def rows(self) -> Iterator[Photo | Rejected]:
        yield from self.photos

    def read(self, path: str) -> bytes:
        raise AssertionError("nothing is read here")

    def stamp(self, path: str) -> str:
        return "now"


def listing_of(photos: list[Photo]) -> Listing:
    listing = Listing()
    listing.fill(ListSource(photos))
    return listing


def decoded(folder: Path, numbers: list[int]) -> Path:
    """A folder of decoded photos: photo n is called «n», all its pixels and its width are n."""
    with PhotoWriter(folder, SIZE_PX) as writer:
        for number in numbers:
            facts = np.zeros((), FACTS)
            facts["width_px"] = number
            writer.add(str(number), STAMP, np.full((SIZE_PX, SIZE_PX, 3), number, np.uint8), facts.tobytes())
    return folder


def collected(photos: list[Photo], known: list[Path]) -> Columns:
    with listing_of(photos) as listing:
        return collect(listing, known)


def hats_and_caps(number: int) -> list[Photo]:
    return [Photo(str(n), ("hat", "cap")[n % 2]) for n in range(number)]


def test_labels_are_sorted_and_codes_are_their_places(tmp_path: Path) -> None:
    labels = ["z", "écru", "a", "z", "Z", "a b", "a"]
    columns = collected([Photo(str(n), label) for n, label in enumerate(labels)], [decoded(tmp_path, [*range(7)])])
    assert columns.labels == sorted(set(labels))
    assert [columns.labels[code] for code in columns.label_N] == labels
    assert columns.label_N.dtype == np.int32


def test_columns_are_in_the_source_s_order_whatever_was_decoded_first(tmp_path: Path) -> None:
    columns = collected(hats_and_caps(5), [decoded(tmp_path, [3, 1, 4, 0, 2])])
    assert columns.positions_N.tolist() == [1, 2, 3, 4, 5]
    assert columns.row_N.tolist() == [3, 1, 4, 0, 2]
    assert columns.facts_N["width_px"].tolist() == [0, 1, 2, 3, 4]
    assert len(columns) == 5


def test_batches_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [decoded(tmp_path, [*range(10)])]
    whole = collected(hats_and_caps(10), known)
    monkeypatch.setattr(collecting, "_BATCH", 3)
    parts = collected(hats_and_caps(10), known)
    assert parts.labels == whole.labels
    for name in ("positions_N", "label_N", "row_N", "lot_N", "facts_N"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_given_splits_products_and_files_become_numbers_and_none_its_own(tmp_path: Path) -> None:
    photos = [
        Photo("0", "hat", "train", "p", "f.jpg"),
        Photo("1", "cap", "validation", "q", "g.jpg"),
        Photo("2", "hat", "test", "p", "f.jpg"),
        Photo("3", "hat"),
    ]
    columns = collected(photos, [decoded(tmp_path, [*range(4)])])
    assert columns.split_N.tolist() == [0, 1, 2, -1]
    for hashes in (columns.product_N.tolist(), columns.file_N.tolist()):
        assert hashes[0] == hashes[2] != hashes[1]
        assert hashes[3] == 0
        assert 0 not in hashes[:3]
    assert columns.product_N[0] != columns.file_N[0]


def test_an_empty_product_id_is_one_and_not_none(tmp_path: Path) -> None:
    columns = collected([Photo("0", "hat", None, ""), Photo("1", "cap")], [decoded(tmp_path, [0, 1])])
    assert columns.product_N.astype(bool).tolist() == [True, False]


def test_places_in_the_draw_hang_on_the_path_only(tmp_path: Path) -> None:
    known = [decoded(tmp_path, [*range(4)])]
    columns = collected(hats_and_caps(4), known)
    others = collected([Photo(photo.path, photo.path, "test", "p") for photo in reversed(hats_and_caps(4))], known)
    assert columns.lot_N.tolist() == others.lot_N.tolist()[::-1]
    assert len(set(columns.lot_N.tolist())) == 4


def test_only_some_of_the_photos_can_be_taken(tmp_path: Path) -> None:
    columns = collected(hats_and_caps(5), [decoded(tmp_path, [*range(5)])])
    some = columns.take(np.array([True, False, False, True, False]))
    assert len(some) == 2
    assert some.positions_N.tolist() == [1, 4]
    assert some.facts_N["width_px"].tolist() == [0, 3]
    assert [some.labels[code] for code in some.label_N] == ["hat", "cap"]
    assert some.labels == ["cap", "hat"], "a label stays although its photos are gone"


def test_photos_lie_in_order_where_they_are_all_rows_of_the_first_folder(tmp_path: Path) -> None:
    in_order = decoded(tmp_path / "in order", [0, 1, 2, 3])
    columns = collected(hats_and_caps(4), [in_order])
    assert columns.lie_in_order(4)
    assert not columns.lie_in_order(5), "a row that nothing belongs to"
    assert not columns.take(np.arange(4) != 1).lie_in_order(4)
    assert not collected(hats_and_caps(4), [decoded(tmp_path / "mixed", [0, 2, 1, 3])]).lie_in_order(4)
    empty = decoded(tmp_path / "empty", [])
    assert not collected(hats_and_caps(4), [empty, in_order]).lie_in_order(4)


def test_photos_of_two_folders_are_as_one_array(tmp_path: Path) -> None:
    known = [decoded(tmp_path / "work", [4, 1]), decoded(tmp_path / "earlier", [3, 0, 2, 1])]
    columns = collected(hats_and_caps(5), known)
    assert columns.folder_N.tolist() == [1, 0, 1, 1, 0]
    rows = np.array([4, 0, 2, 2, 1, 3])
    with PlacedPhotos(known, columns) as photos:
        assert (len(photos), photos.shape) == (5, (5, SIZE_PX, SIZE_PX, 3))
        assert photos[rows].shape == (6, SIZE_PX, SIZE_PX, 3)
        assert (photos[rows] == rows[:, None, None, None]).all()
        assert photos[np.empty(0, np.int64)].shape == (0, SIZE_PX, SIZE_PX, 3)


def test_photos_are_found_where_the_first_folder_is_empty(tmp_path: Path) -> None:
    known = [decoded(tmp_path / "work", []), decoded(tmp_path / "earlier", [0, 1])]
    with PlacedPhotos(known, collected(hats_and_caps(2), known)) as photos:
        assert (photos[np.array([1])] == 1).all()


def test_photos_are_copies_that_may_be_changed(tmp_path: Path) -> None:
    known = [decoded(tmp_path, [0, 1])]
    with PlacedPhotos(known, collected(hats_and_caps(2), known)) as photos:
        photos[np.array([0])][:] = 9
        assert not photos[np.array([0])].any()


def test_several_threads_may_ask_for_photos_at_once(tmp_path: Path) -> None:
    known = [decoded(tmp_path, [*range(50)])]
    orders = [np.random.default_rng(number).permutation(50) for number in range(40)]
    with PlacedPhotos(known, collected(hats_and_caps(50), known)) as photos, ThreadPoolExecutor(4) as pool:
        for rows, photos_NSSC in zip(orders, pool.map(photos.__getitem__, orders), strict=True):
            assert (photos_NSSC == rows[:, None, None, None]).all()


def test_what_could_not_be_decoded_is_no_photo(tmp_path: Path) -> None:
    with PhotoWriter(decoded(tmp_path, [0, 1, 3]), SIZE_PX) as writer:
        writer.reject(Rejected("2", "cut off", "truncated"), STAMP)
    with listing_of(hats_and_caps(4)) as listing:
        assert collect(listing, [tmp_path]).positions_N.tolist() == [1, 2, 4]
        assert [bad.path for bad in listing.rejected()] == ["2"]


def test_no_usable_photo_is_refused_with_the_first_reasons(tmp_path: Path) -> None:
    with PhotoWriter(tmp_path, SIZE_PX) as writer:
        for number in range(5):
            writer.reject(Rejected(str(number), f"reason {number}", "unreadable"), STAMP)
    with pytest.raises(SourceError, match=r"None of the 5 photos.*0: reason 0; 1: reason 1; 2: reason 2$"):
        collected(hats_and_caps(5), [tmp_path])


def test_a_single_class_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"All 2 usable photos are of the class 'hat'; expected at least 2 classes"):
        collected([Photo("0", "hat"), Photo("1", "hat")], [decoded(tmp_path, [0, 1])])
