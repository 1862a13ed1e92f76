"""What the model said of the last photos, so that the same photo with other filters is not looked at again."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from snapshelf.recommend.recommender import Look
from snapshelf.types import Box

KEPT_S = 600.0
CAPACITY = 1024
"""Some 6 MB with embeddings of 1,280 numbers."""

Key = tuple[str, bytes, Box | None]


class RecentLooks:
    """Numbers that a model made of photos, by the photos' hashes; never the photos. May be used from several threads.

    Each is kept for ten minutes, and for less where many come. Whoever opens this calls `forget_old` now and then, so
    that they go, too, where nobody asks any more.
    """

    def __init__(
        self, capacity: int = CAPACITY, kept_s: float = KEPT_S, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity, self._kept_s, self._now = capacity, kept_s, now
        self._looks: OrderedDict[Key, tuple[float, Look]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Look | None:
        """What was said of this photo shortly before."""
        with self._lock:
            self._forget_old()
            found = self._looks.get(key)
            return found[1] if found else None

    def put(self, key: Key, look: Look) -> None:
        """Keep it, without the photo."""
        look = replace(look, pixels_SSC=None)
        with self._lock:
            self._looks.pop(key, None)  # so that they stay in the order of their age
            self._looks[key] = (self._now(), look)
            self._forget_old()

    def forget_old(self) -> None:
        """Let go of those whose time is over."""
        with self._lock:
            self._forget_old()

    def __len__(self) -> int:
        return len(self._looks)

    def _forget_old(self) -> None:
        oldest = self._now() - self._kept_s
        while self._looks and (len(self._looks) > self._capacity or next(iter(self._looks.values()))[0] <= oldest):
            self._looks.popitem(last=False)


def key_of(model_id: str, photo: bytes, part: Box | None) -> Key:
    """What tells one look from another: who looks, at what, at which part of it."""
    return model_id, hashlib.sha256(photo).digest(), part
