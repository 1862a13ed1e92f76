"""The baseline of a model: numbers of the photos that it was measured on, in a file beside it.

Shapes: N photos, Q quantities, D numbers an embedding.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.publish import write_atomic
from snapshelf.drift.quantities import QUANTITIES
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError

FILE_NAME = "baseline.parquet"
MOST_PHOTOS = 1000
"""More make no judgement much better, and each is looked for in the index when a server opens it."""

REMEDY = "snapshelf drift --new-baseline --store DIR"
"""The command that makes it."""

_SCHEMA_VERSION = 1
_ABOUT = b"snapshelf"
_KEPT = tuple(name for name in QUANTITIES if name != "similarity")
"""Similarity is to the products that there are, so it is found anew with each index."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What usual photos are like. Holds numbers, no photos."""

    onnx_sha256: str
    """Of the model that looked at them."""
    photos: str
    """Which photos they are, in words."""
    values_NQ: NDArray[np.float32]
    """In the order of `QUANTITIES`; NaN where a quantity is not known, and the similarity never is."""
    embedding_ND: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.values_NQ)

    def write(self, folder: Path) -> None:
        """Write it into a model's folder, in place of an earlier one."""
        columns = [pa.array(self.values_NQ[:, QUANTITIES.index(name)]) for name in _KEPT]
        dim = self.embedding_ND.shape[1]
        embeddings = pa.FixedSizeListArray.from_arrays(pa.array(self.embedding_ND.ravel(), pa.float32()), dim)
        about = {"schema_version": _SCHEMA_VERSION, "onnx_sha256": self.onnx_sha256, "photos": self.photos}
        table = pa.table([*columns, embeddings], [*_KEPT, "embedding"]).replace_schema_metadata(
            {_ABOUT: json.dumps(about, ensure_ascii=False).encode()}
        )
        content = io.BytesIO()
        pq.write_table(table, content, compression="zstd")
        write_atomic(folder / FILE_NAME, content.getvalue())

    @classmethod
    def read(cls, folder: Path, card: ModelCard) -> Self:
        """Read it from a model's folder.

        Raises:
            ArtifactMissingError: there is none, as beside the models of older versions.
            ArtifactMismatchError: it is broken, of a newer schema, or another model's.
        """
        path = folder / FILE_NAME
        if not path.exists():
            raise ArtifactMissingError(f"The model {card.id} has no baseline to compare photos with. Run: {REMEDY}")
        try:
            table = pq.read_table(path)
            about = json.loads(table.schema.metadata[_ABOUT])
            if about["schema_version"] > _SCHEMA_VERSION:
                raise ArtifactMismatchError(
                    f"{path} has schema {about['schema_version']}; this snapshelf reads up to {_SCHEMA_VERSION}. "
                    f"Use a newer snapshelf, or make it anew: {REMEDY}"
                )
            values_NQ = np.full((len(table), len(QUANTITIES)), np.nan, np.float32)
            for name in _KEPT:
                values_NQ[:, QUANTITIES.index(name)] = table[name].to_numpy()
            flat = table["embedding"].combine_chunks().flatten().to_numpy()
            embedding_ND = flat.reshape(len(table), card.embedding_dim).astype(np.float32)
        except (pa.ArrowException, KeyError, TypeError, ValueError, OSError) as error:
            raise ArtifactMismatchError(
                f"{path} cannot be read as a baseline ({str(error).splitlines()[0][:120]}). Make it anew: {REMEDY}"
            ) from None
        if about["onnx_sha256"] != card.onnx_sha256:
            raise ArtifactMismatchError(f"{path} was made with another model than {card.id}. Make it anew: {REMEDY}")
        return cls(about["onnx_sha256"], about["photos"], values_NQ, embedding_ND)
