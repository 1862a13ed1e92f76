"""A prepared data set, read from its folder.

Shapes: N photos, S pixels a side, 3 channels; every array is in the order of the manifest's rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from snapshelf.artifacts.cards import DatasetCard
from snapshelf.artifacts.publish import sha256_file
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError
from snapshelf.types import SPLITS, Split

MANIFEST = "manifest.parquet"
PHOTOS = "photos.npy"
FEATURES = "features"

MANIFEST_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),  # within the source; the photo's id
        pa.field("label", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),  # train, validation or test
        pa.field("product_id", pa.string()),
        pa.field("sha256", pa.string(), nullable=False),  # of the prepared pixels
        pa.field("width_px", pa.int32(), nullable=False),
        pa.field("height_px", pa.int32(), nullable=False),
    ]
)


class Dataset:
    """What `prepare` made: a manifest and, row by row, the photos as squares of uint8."""

    def __init__(self, folder: Path) -> None:
        """Open a data set.

        Raises:
            ArtifactMissingError: a file is missing.
            ArtifactMismatchError: the card is of a newer schema, or does not fit the manifest.
        """
        self.folder = folder
        self.card = DatasetCard.read(folder)
        for name in (MANIFEST, PHOTOS):
            if not (folder / name).exists():
                raise ArtifactMissingError(f"{folder / name} is missing. Prepare again: {DatasetCard.remedy}")
        if sha256_file(folder / MANIFEST) != self.card.manifest_sha256:
            raise ArtifactMismatchError(
                f"{folder / MANIFEST} is not the one its card was written for. Prepare again: {DatasetCard.remedy}"
            )
        self.manifest = pq.read_table(folder / MANIFEST, schema=MANIFEST_SCHEMA)

    @property
    def id(self) -> str:
        """The data set's id."""
        return self.card.id

    @property
    def labels(self) -> list[str]:
        """The categories, in the order of `class_to_idx`."""
        return self.card.labels

    @property
    def paths(self) -> list[str]:
        """The photos' ids, one a row."""
        paths: list[str] = self.manifest["path"].to_pylist()
        return paths

    @property
    def features_folder(self) -> Path:
        """Where features of its photos may be kept."""
        return self.folder / FEATURES

    def sha256(self) -> NDArray[np.uint8]:
        """The sha256 of each photo's prepared pixels, (N, 32)."""
        digests = b"".join(bytes.fromhex(text) for text in self.manifest["sha256"].to_pylist())
        return np.frombuffer(digests, np.uint8).reshape(-1, 32)

    def photos(self) -> NDArray[np.uint8]:
        """All photos, (N, S, S, 3), memory-mapped and read-only: index only what is needed."""
        photos_NSSC: NDArray[np.uint8] = np.load(self.folder / PHOTOS, mmap_mode="r")
        return photos_NSSC

    def sizes_px(self) -> NDArray[np.int64]:
        """Width and height of each upright photo before it was prepared, (N, 2)."""
        return np.stack([self.manifest[name].to_numpy() for name in ("width_px", "height_px")], axis=1).astype(np.int64)

    def class_indices(self) -> NDArray[np.int64]:
        """For each photo the index of its label, (N,)."""
        class_to_idx = {label: index for index, label in enumerate(self.labels)}
        return np.array([class_to_idx[label] for label in self.manifest["label"].to_pylist()], dtype=np.int64)

    def rows(self, split: Split) -> NDArray[np.int64]:
        """The row numbers of a split, ascending; empty where the data set has no such split."""
        names = np.array(self.manifest["split"].to_pylist(), dtype=object)
        return np.flatnonzero(names == split)

    def splits(self) -> list[Split]:
        """The splits that have photos, in the order train, validation, test."""
        return [split for split in SPLITS if len(self.rows(split))]
