"""What a data set is called."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from snapshelf.data.dataset import MANIFEST_SCHEMA
from snapshelf.data.manifest import dataset_id, write_manifest
from snapshelf.imaging.preprocess import Preprocess

MANIFEST = pa.table([["1"], ["hat"], ["train"], ["p"], ["a"], [3], [4]], schema=MANIFEST_SCHEMA)


def test_the_same_manifest_has_the_same_sha256_and_another_preprocessing_another(tmp_path: Path) -> None:
    once = write_manifest(tmp_path, MANIFEST, Preprocess(size_px=224))
    assert write_manifest(tmp_path, MANIFEST, Preprocess(size_px=224)) == once
    assert write_manifest(tmp_path, MANIFEST, Preprocess(size_px=192)) != once


@pytest.mark.parametrize(
    ("source", "slug"),
    [("photos/My Shop", "my-shop"), ("feed.csv", "feed-csv"), ("fashion-mnist", "fashion-mnist"), ("写真", "photos")],
)
def test_the_name_begins_with_the_source(source: str, slug: str) -> None:
    assert dataset_id(source, "0123456789abcdef") == f"{slug}-01234567"


def test_a_long_name_is_cut() -> None:
    assert dataset_id("x" * 300, "0123456789abcdef") == f"{'x' * 40}-01234567"
