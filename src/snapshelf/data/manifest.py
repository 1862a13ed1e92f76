"""The manifest: one row a photo, in a Parquet file whose sha256 names the data set."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from snapshelf.artifacts.publish import sha256_file
from snapshelf.data.dataset import MANIFEST, MANIFEST_SCHEMA
from snapshelf.imaging.preprocess import Preprocess


def write_manifest(folder: Path, manifest: pa.Table, preprocess: Preprocess) -> str:
    """Write `manifest.parquet` and return its sha256.

    The preprocessing is written into the file too: the same photos in another size are another data set.
    """
    noted = manifest.cast(MANIFEST_SCHEMA).replace_schema_metadata(
        {"preprocess": json.dumps(preprocess.model_dump(), sort_keys=True)}
    )
    pq.write_table(noted, folder / MANIFEST, compression="zstd")
    return sha256_file(folder / MANIFEST)


def dataset_id(source: str, manifest_sha256: str) -> str:
    """The source's name, as it can stand in a path, and the first 8 digits of the manifest's sha256."""
    name = Path(source).resolve().name.lower()
    slug = re.sub(r"[^a-z0-9]+", "-", name).strip("-")[:40] or "photos"
    return f"{slug}-{manifest_sha256[:8]}"
