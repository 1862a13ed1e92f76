"""The manifest says of every photo what is known, and what a data set is called."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from snapshelf.artifacts.publish import sha256_file
from snapshelf.data import manifest
from snapshelf.data.collect import Columns, collect
from snapshelf.data.dataset import MANIFEST, MANIFEST_SCHEMA
from snapshelf.data.facts import FACTS
from snapshelf.data.listing import Listing
from snapshelf.data.manifest import dataset_id, manifest_batches, write_manifest
from snapshelf.data.prepared import PhotoWriter
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.types import Photo, Rejected

NUMBER = 10
BATCH = pa.RecordBatch.from_pydict(
    {
        "path": ["1"],
        "label": ["hat"],
        "split": ["train"],
        "product_id": ["p"],
        "sha256": ["a"],
        "width_px": [3],
        "height_px": [4],
    },
    schema=MANIFEST_SCHEMA,
)


class Names:
    """Photos that are only named: those with even numbers are hats, those under 3 have products."""

    format = "names"

    def rows(self) -> Iterator[Photo | Rejected]:
        for number in range(NUMBER):
            product_id = f"product {number}" if number < 3 else None
            yield Photo(f"写真/{number}.jpg", ("hat", "cap")[number % 2], "test", product_id)

    def read(self, path: str) -> bytes:
        raise AssertionError("nothing is read here")

    def stamp(self, path: str) -> str:
        return ""


@pytest.fixture
def listing() -> Iterator[Listing]:
    with Listing() as listing:
        listing.fill(Names())
        yield listing


@pytest.fixture
def columns(listing: Listing, tmp_path: Path) -> Columns:
    with PhotoWriter(tmp_path, 8) as writer:
        for number in range(NUMBER):
            facts = np.zeros((), FACTS)
            facts["sha256"], facts["width_px"], facts["height_px"] = number, 100 + number, 200 + number
            writer.add(f"写真/{number}.jpg", " ", np.zeros((8, 8, 3), np.uint8), facts.tobytes())
    return collect(listing, [tmp_path])


def splits(number: int) -> list[int]:
    return [row % 3 for row in range(number)]


def test_every_photo_is_a_row_with_what_is_known_of_it(listing: Listing, columns: Columns) -> None:
    batches = list(manifest_batches(listing, columns, np.array(splits(NUMBER), np.int8)))
    table = pa.Table.from_batches(batches, MANIFEST_SCHEMA)
    assert table.num_rows == NUMBER
    assert table.to_pylist()[2] == {
        "path": "写真/2.jpg",
        "label": "hat",
        "split": "test",
        "product_id": "product 2",
        "sha256": "02" * 32,
        "width_px": 102,
        "height_px": 202,
    }
    assert table["product_id"].to_pylist()[3:] == [None] * 7
    assert table["split"].to_pylist()[:3] == ["train", "validation", "test"], "those that were made, not those given"


def test_rows_of_chosen_photos_only(listing: Listing, columns: Columns) -> None:
    some = columns.take(np.arange(NUMBER) % 4 == 1)
    (batch,) = manifest_batches(listing, some, np.array(splits(len(some)), np.int8))
    assert batch["path"].to_pylist() == ["写真/1.jpg", "写真/5.jpg", "写真/9.jpg"]
    assert batch["label"].to_pylist() == ["cap"] * 3
    assert batch["width_px"].to_pylist() == [101, 105, 109]


def test_batches_follow_one_another_without_gap_or_overlap(
    listing: Listing, columns: Columns, monkeypatch: pytest.MonkeyPatch
) -> None:
    split_N = np.array(splits(NUMBER), np.int8)
    whole = pa.Table.from_batches(manifest_batches(listing, columns, split_N))
    monkeypatch.setattr(manifest, "_BATCH", 4)
    parts = list(manifest_batches(listing, columns, split_N))
    assert [batch.num_rows for batch in parts] == [4, 4, 2]
    assert pa.Table.from_batches(parts).equals(whole)


def test_the_manifest_is_read_as_it_was_written(listing: Listing, columns: Columns, tmp_path: Path) -> None:
    batches = list(manifest_batches(listing, columns, np.array(splits(NUMBER), np.int8)))
    sha256 = write_manifest(tmp_path, iter(batches), Preprocess(size_px=192, fit="pad"))
    assert sha256 == sha256_file(tmp_path / MANIFEST)
    read = pq.read_table(tmp_path / MANIFEST)
    assert read.schema.equals(MANIFEST_SCHEMA)
    assert read.equals(pa.Table.from_batches(batches))
    assert json.loads(read.schema.metadata[b"preprocess"]) == {"size_px": 192, "fit": "pad"}


def test_the_same_manifest_has_the_same_sha256_and_another_preprocessing_another(tmp_path: Path) -> None:
    once = write_manifest(tmp_path, iter([BATCH]), Preprocess(size_px=224))
    assert write_manifest(tmp_path, iter([BATCH]), Preprocess(size_px=224)) == once
    assert write_manifest(tmp_path, iter([BATCH]), Preprocess(size_px=192)) != once
    assert write_manifest(tmp_path, iter([BATCH]), Preprocess(size_px=224, fit="crop")) != once


@pytest.mark.parametrize(
    ("source", "slug"),
    [("photos/My Shop", "my-shop"), ("feed.csv", "feed-csv"), ("fashion-mnist", "fashion-mnist"), ("写真", "photos")],
)
def test_the_name_begins_with_the_source(source: str, slug: str) -> None:
    assert dataset_id(source, "0123456789abcdef") == f"{slug}-01234567"


def test_a_long_name_is_cut() -> None:
    assert dataset_id("x" * 300, "0123456789abcdef") == f"{'x' * 40}-01234567"
