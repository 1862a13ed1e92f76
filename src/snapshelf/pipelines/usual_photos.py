"""The photos that are usual for a model become its baseline.

Shapes: N photos.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.drift.baseline import MOST_PHOTOS, Baseline
from snapshelf.drift.quantities import of_picture, values
from snapshelf.errors import ArtifactMissingError
from snapshelf.ports import Encoder
from snapshelf.progress import progress
from snapshelf.types import Encoding

_BATCH = 64


def baseline_of_rows(
    dataset: Dataset, rows_N: NDArray[np.int64], encoding: Encoding, temperature: float, onnx_sha256: str
) -> Baseline:
    """Of prepared photos that a model has looked at, or of some of them, from the first to the last.

    Args:
        dataset: where the photos are.
        rows_N: which they are.
        encoding: what the model says of them.
        temperature: by which it divides its logits.
        onnx_sha256: the model's.
    """
    chosen = _spread(len(rows_N))
    pixels_NSSC, sizes_N2 = dataset.photos(), dataset.sizes_px()
    pictures = [of_picture(pixels_NSSC[row], tuple(sizes_N2[row].tolist())) for row in rows_N[chosen].tolist()]
    some = Encoding(
        encoding.logits_NC[chosen],
        encoding.embedding_ND[chosen],
        None if encoding.familiarity_N is None else encoding.familiarity_N[chosen],
    )
    unknown_N = np.full(len(chosen), np.nan)
    words = f"{len(chosen):,} validation photos of {dataset.id}"
    return Baseline(onnx_sha256, words, values(some, temperature, unknown_N, pictures), some.embedding_ND)


def baseline_of_dataset(store: Store, encoder: Encoder, card: ModelCard) -> Baseline:
    """Of the validation photos that a model was measured on, which are looked at once more.

    Raises:
        ArtifactMissingError: they are not there any more, or there never were any.
    """
    if card.dataset_id is None or card.dataset_id not in store.ids("datasets"):
        raise ArtifactMissingError(
            f"The model {card.id} has no baseline, and the photos that it was measured on "
            f"({card.dataset_id or 'none'}) are not in the store. Name photos that are as they should be: "
            f"snapshelf drift PHOTOS --new-baseline --store {store.root}"
        )
    dataset = Dataset(store.folder("datasets", card.dataset_id))
    rows_N = dataset.rows("validation")
    rows_N = rows_N[_spread(len(rows_N))]
    parts, photos_NSSC = [], dataset.photos()
    with progress("Baseline", len(rows_N)) as step:
        for start in range(0, len(rows_N), _BATCH):
            parts.append(encoder.encode(photos_NSSC[rows_N[start : start + _BATCH]]))
            step(len(parts[-1].embedding_ND))
    return baseline_of_rows(dataset, rows_N, joined(parts), card.temperature, card.onnx_sha256)


def joined(parts: list[Encoding]) -> Encoding:
    """What a model says of several batches, one at least, as of one."""
    familiarity = [part.familiarity_N for part in parts if part.familiarity_N is not None]
    return Encoding(
        np.concatenate([part.logits_NC for part in parts]),
        np.concatenate([part.embedding_ND for part in parts]),
        np.concatenate(familiarity) if familiarity else None,
    )


def _spread(number: int) -> NDArray[np.int64]:
    """Which of so many are taken: all, or `MOST_PHOTOS` from the first to the last."""
    return np.linspace(0, number - 1, min(number, MOST_PHOTOS)).round().astype(np.int64)
