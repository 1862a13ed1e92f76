"""Photos of now against a baseline: a shift for each quantity, and one for the embeddings.

Shapes: N usual photos, M photos of now, Q quantities, D numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snapshelf.drift.baseline import Baseline
from snapshelf.drift.quantities import NUM_NEIGHBOURS, QUANTITIES, Quantity, similarity
from snapshelf.metrics.drift import (
    FALSE_ALARMS,
    LEAST_PHOTOS,
    ClassBins,
    Cloud,
    Shift,
    ValueBins,
    population_stability_index,
    psi_limit,
)
from snapshelf.ports import VectorIndex
from snapshelf.types import Filters

_SIZE_EDGES = (0.25, 0.5, 0.75)
"""Of the shorter side over what the model looks at. How a photo is enlarged by a little less or more does not matter,
and the photos of one source often have one size."""


class Usual:
    """What photos usually are like, ready to be compared with. May be used from several threads."""

    def __init__(self, baseline: Baseline, labels: Sequence[str], similarity_N: NDArray[np.float32] | None) -> None:
        """Part the usual photos into bins.

        Args:
            baseline: of the model.
            labels: the model's.
            similarity_N: of the baseline's photos to the products of now; None where there are none.
        """
        self.num_photos = len(baseline)
        self.values_NQ = baseline.values_NQ.copy()
        if similarity_N is not None:
            self.values_NQ[:, QUANTITIES.index("similarity")] = similarity_N
        self.labels = labels
        self._cloud = Cloud.of(baseline.embedding_ND)
        self._bins: dict[Quantity, ValueBins | ClassBins] = {
            name: self._bins_of(name) for name in QUANTITIES if len(self.known(name)) >= LEAST_PHOTOS
        }
        self._probability = FALSE_ALARMS / (len(self._bins) + 1)

    @property
    def mean_D(self) -> NDArray[np.float64]:
        """The mean embedding of the usual photos."""
        return self._cloud.mean_D

    def _bins_of(self, name: Quantity) -> ValueBins | ClassBins:
        if name == "class":
            return ClassBins.of(self.known(name).astype(np.int64), len(self.labels))
        return ValueBins(np.array(_SIZE_EDGES)) if name == "size" else ValueBins.of(self.known(name))

    def known(self, name: Quantity) -> NDArray[np.float32]:
        """A quantity of the usual photos, without those that have none."""
        return known(self.values_NQ, name)

    def shifts(self, values_MQ: NDArray[np.float32]) -> dict[Quantity, Shift]:
        """How far each quantity has moved; without those that fewer than `LEAST_PHOTOS` have, then or now."""
        found = {}
        for name, bins in self._bins.items():
            usual, now = self.known(name), known(values_MQ, name)
            if len(now) < LEAST_PHOTOS:
                continue
            psi = population_stability_index(bins.counts(usual), bins.counts(now))
            found[name] = Shift(psi, psi_limit(bins.num_bins, len(usual), len(now), self._probability), len(now))
        return found

    def embedding_shift(self, mean_D: NDArray[np.floating], num_now: int) -> Shift | None:
        """How far the mean embedding has moved, in units of the spread; None of fewer than `LEAST_PHOTOS`."""
        if min(num_now, self.num_photos) < LEAST_PHOTOS:
            return None
        return self._cloud.shift(mean_D, num_now, self._probability)


def known(values_MQ: NDArray[np.float32], name: Quantity) -> NDArray[np.float32]:
    """A quantity of those photos that have it."""
    value_M = values_MQ[:, QUANTITIES.index(name)]
    return value_M[~np.isnan(value_M)]


def similarities(index: VectorIndex, embedding_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each photo to the nearest product of an index, (N,); NaN where it is empty."""
    found = [similarity(index.search(each_D, limit=NUM_NEIGHBOURS, filters=Filters())) for each_D in embedding_ND]
    return np.array(found, np.float32)
