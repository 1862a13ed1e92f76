"""Another model that looks at customers' photos beside the one that answers, so that it is known before it is used."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.artifacts.cards import ModelCard
from snapshelf.imaging.preprocess import crop
from snapshelf.recommend.prediction import predictions
from snapshelf.types import Box, Encoding, Prediction
from snapshelf.web.telemetry import Telemetry

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of it so far."""

    num_photos: int
    num_agreed: int
    """Photos that both models take for the same."""
    mean_difference: float
    """Of the probability of what each takes the photo for, 0 to 1."""


class Shadow:
    """Looks at one photo at a time, on one core, after the answer's model has; photos that come meanwhile are passed
    over. It answers nobody and keeps no photo. May be called from several threads."""

    def __init__(self, encoder: ModelEncoder, telemetry: Telemetry) -> None:
        self._encoder = encoder
        self._telemetry = telemetry
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self._free = threading.Semaphore(1)
        self._lock = threading.Lock()
        self._counted = Seen(0, 0, 0.0)

    @property
    def card(self) -> ModelCard:
        """The model's."""
        return self._encoder.card

    @property
    def size_px(self) -> int:
        """The side of what it looks at."""
        return self._encoder.preprocess.size_px

    @property
    def seen(self) -> Seen:
        """What came of it so far."""
        with self._lock:
            return self._counted

    def consider(self, image: Image.Image, part: Box | None, said: Encoding, by: ModelCard) -> None:
        """Look at a photo that another model has looked at, some time soon, or pass it over.

        Args:
            image: upright RGB.
            part: what of it is meant; inside the photo.
            said: what the other model says of it.
            by: the other model, which has labels.
        """
        if not self._free.acquire(blocking=False):
            self._telemetry.shadow_passed.inc()
            return
        self._thread.submit(self._look, image, part, predictions(said, by)[0])

    def close(self) -> None:
        """End, after what it is at."""
        self._thread.shutdown()

    def _look(self, image: Image.Image, part: Box | None, serving: Prediction) -> None:
        try:
            photo = self._encoder.preprocess.apply(crop(image, part) if part else image)
            self._count(serving, predictions(self._encoder.encode(photo[None]), self.card)[0])
        except Exception:  # customers were answered; the next photo may do
            _log.exception("The shadow %s failed on a photo", self.card.id)
        finally:
            self._free.release()

    def _count(self, serving: Prediction, own: Prediction) -> None:
        agrees = serving.label.casefold() == own.label.casefold()
        self._telemetry.shadow.labels(serving.verdict, own.verdict, "yes" if agrees else "no").inc()
        with self._lock:
            before, num = self._counted, self._counted.num_photos + 1
            difference = abs(serving.probability - own.probability)
            mean = before.mean_difference + (difference - before.mean_difference) / num
            self._counted = Seen(num, before.num_agreed + agrees, mean)
