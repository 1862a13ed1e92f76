"""The manifest: one row a photo, in a Parquet file whose sha256 names the data set.

N is the number of photos.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from snapshelf.artifacts.publish import sha256_file
from snapshelf.data.collect import Columns
from snapshelf.data.dataset import MANIFEST, MANIFEST_SCHEMA
from snapshelf.data.listing import Listing
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.types import SPLITS

_BATCH = 16384


def manifest_batches(listing: Listing, columns: Columns, split_N: NDArray[np.int8]) -> Iterator[pa.RecordBatch]:
    """The rows of the manifest, a few thousand at a time."""
    for start in range(0, len(columns), _BATCH):
        rows = slice(start, start + _BATCH)
        paths, labels, products = zip(*listing.texts(columns.positions_N[rows].tolist()), strict=True)
        facts = columns.facts_N[rows]
        values = [
            paths,
            labels,
            [SPLITS[split] for split in split_N[rows].tolist()],
            products,
            [sha256.tobytes().hex() for sha256 in facts["sha256"]],
            facts["width_px"],
            facts["height_px"],
        ]
        arrays = [pa.array(column, field.type) for column, field in zip(values, MANIFEST_SCHEMA, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=MANIFEST_SCHEMA)


def write_manifest(folder: Path, batches: Iterator[pa.RecordBatch], preprocess: Preprocess) -> str:
    """Write `manifest.parquet` and return its sha256.

    The preprocessing is written into the file too: the same photos in another size are another data set.
    """
    key = json.dumps(preprocess.model_dump(), sort_keys=True)
    schema = MANIFEST_SCHEMA.with_metadata({"preprocess": key})
    with pq.ParquetWriter(folder / MANIFEST, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch.replace_schema_metadata(schema.metadata))
    return sha256_file(folder / MANIFEST)


def dataset_id(source: str, manifest_sha256: str) -> str:
    """The source's name, as it can stand in a path, and the first 8 digits of the manifest's sha256."""
    name = Path(source).resolve().name.lower()
    slug = re.sub(r"[^a-z0-9]+", "-", name).strip("-")[:40] or "photos"
    return f"{slug}-{manifest_sha256[:8]}"
