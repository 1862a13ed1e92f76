"""Whether the photos that customers send are still like those that the model was measured on, for /metrics.

Of a photo a few numbers are kept, of the last thousand photos, in memory; of embeddings the sums over a hundred photos.
No photo is kept, and nothing that one could be made of again.

Shapes: M photos of now, Q quantities, D numbers an embedding.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.drift.baseline import Baseline
from snapshelf.drift.judgement import Usual, similarities
from snapshelf.drift.quantities import QUANTITIES, of_picture, values
from snapshelf.errors import ArtifactMissingError, StoreError
from snapshelf.metrics.drift import Shift
from snapshelf.recommend.recommender import Look
from snapshelf.web.shelves import Shelves
from snapshelf.wiring import Shelf

WINDOW = 1000
"""Photos that are compared with the usual ones."""

_SUMMED = 100
"""Photos whose embeddings are kept as one sum."""

LEAST_PAUSE_S = 0.2
"""No more than five photos a second are looked at, so that the cost stays as small when many come."""

_SIMILARITY = QUANTITIES.index("similarity")

_log = logging.getLogger(__name__)


class DriftWindow:
    """The last photos, and how far they are from the usual ones. May be used from several threads."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self._pause_s, self._next_s = pause_s, 0.0
        self._usual: Usual | None = None
        self._model_id = ""
        self._lock = threading.Lock()
        self._empty()

    def _empty(self) -> None:
        self._values_MQ: deque[NDArray[np.float32]] = deque(maxlen=WINDOW)
        self._sums: deque[tuple[int, NDArray[np.float64]]] = deque(maxlen=WINDOW // _SUMMED)

    def compare_with(self, usual: Usual | None, model_id: str) -> None:
        """Compare photos that this model looks at with these; with None there is nothing to compare with."""
        with self._lock:
            self._usual, self._model_id = usual, model_id

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._empty()

    def forget_similarities(self) -> None:
        """Begin anew with the similarity to products, which are others now."""
        with self._lock:
            for value_Q in self._values_MQ:
                value_Q[_SIMILARITY] = np.nan

    def observe(self, look: Look, card: ModelCard, similarity: float) -> None:
        """Note a photo that was looked at for the first time, or pass it over.

        Args:
            look: what the model says of it, with its pixels.
            card: the model's.
            similarity: to the nearest product.
        """
        now_s = time.monotonic()
        if card.id != self._model_id or self._usual is None or look.pixels_SSC is None or now_s < self._next_s:
            return
        self._next_s = now_s + self._pause_s
        picture = of_picture(look.pixels_SSC, look.size_px)
        (value_Q,) = values(look.encoding, card.temperature, [similarity], [picture])
        with self._lock:
            self._values_MQ.append(value_Q)
            embedding_D = look.encoding.embedding_ND[0].astype(np.float64)
            if self._sums and self._sums[-1][0] < _SUMMED:
                number, sum_D = self._sums.pop()
                self._sums.append((number + 1, sum_D + embedding_D))
            else:
                self._sums.append((1, embedding_D))

    @property
    def num_photos(self) -> int | None:
        """Photos in the window; None where there is nothing to compare them with."""
        return None if self._usual is None else len(self._values_MQ)

    def shifts(self) -> dict[str, Shift]:
        """How far each quantity, and `embedding`, is from the usual; empty while there are too few photos."""
        with self._lock:
            usual = self._usual
            if usual is None or not self._values_MQ:
                return {}
            values_MQ = np.stack(self._values_MQ)
            num_summed = sum(number for number, _ in self._sums)
            mean_D = np.sum([sum_D for _, sum_D in self._sums], axis=0) / num_summed
        found: dict[str, Shift] = dict(usual.shifts(values_MQ).items())
        embedding = usual.embedding_shift(mean_D, num_summed)
        return {**found, "embedding": embedding} if embedding else found


class DriftGauges(Collector):
    """A window as gauges, taken when they are asked for."""

    def __init__(self, window: DriftWindow) -> None:
        self._window = window

    def collect(self) -> Iterator[Metric]:
        """How far photos are from the usual, from where on it is called drift, and of how many photos that is."""
        num_photos = self._window.num_photos
        if num_photos is None:
            return
        value = GaugeMetricFamily(
            "snapshelf_drift",
            "How far photos are from the usual: a population stability index, of embedding a distance of means.",
            labels=["quantity"],
        )
        limit = GaugeMetricFamily("snapshelf_drift_limit", "Above it, it is drift.", labels=["quantity"])
        for name, shift in self._window.shifts().items():
            value.add_metric([name], shift.value)
            limit.add_metric([name], shift.limit)
        yield value
        yield limit
        yield GaugeMetricFamily(
            "snapshelf_drift_photos", "Photos that are compared with the usual ones.", value=num_photos
        )


class DriftWatch:
    """Keeps a window compared with the usual photos of the model in use, by the products in use."""

    def __init__(self, window: DriftWindow, shelves: Shelves, store: Store) -> None:
        self._window, self._shelves, self._store = window, shelves, store
        self._followed = ("", "")

    def follow(self, *, anew: bool = False) -> None:
        """Compare with what is usual for the shelf in use, where that is another one than before.

        Each usual photo is searched for among the products once, which takes a second or two; `anew` does so, too, as
        there may be other products in the same index.
        """
        with self._shelves.lease() as shelf:
            (model_id, index_id), before = (shelf.model.id, shelf.index_card.id), self._followed
            if (model_id, index_id) == before and not anew:
                return
            self._followed = model_id, index_id
            usual = self._usual(shelf)
        self._window.compare_with(usual, model_id)
        if model_id != before[0]:
            self._window.forget()
        elif index_id != before[1]:
            self._window.forget_similarities()

    def _usual(self, shelf: Shelf) -> Usual | None:
        try:
            baseline = Baseline.read(self._store.folder("models", shelf.model.id), shelf.model)
        except StoreError as error:
            _log.log(
                logging.INFO if isinstance(error, ArtifactMissingError) else logging.WARNING,
                "Drift is not watched: %s", error,
            )  # fmt: skip
            return None
        return Usual(baseline, shelf.model.labels, similarities(shelf.index, baseline.embedding_ND))
