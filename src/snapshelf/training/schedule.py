"""How long and how a network is trained: plain numbers, and the curves that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from snapshelf.training.augment import Augment

_SIZE_STEP_PX = 32
_STEPS_PER_EPOCH, _SMALLEST_BATCH = 16, 8


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how a network is trained."""

    epochs: int
    batch_size: int
    """At most: see `batch_size_for`."""
    learning_rate: float
    """The highest one where it follows one cycle, else the only one."""
    one_cycle: bool = True
    """Rise for a while, then fall along a cosine (Smith 2018); else constant."""
    warm_up: float = 0.25
    """Which share of one cycle rises."""
    optimizer: Literal["adamw", "adam", "sgd", "muon"] = "adamw"
    weight_decay: float = 0.05
    """On weights, not on biases and norms; `adam` has none."""
    frozen_norms: bool = False
    """Keep the means and variances of batch norm as the weights brought them."""
    label_smoothing: float = 0.05
    average_epochs: float = 0.0
    """The weights are averaged over about so many epochs, exponentially, and the average is what counts; 0: not."""
    sizes: tuple[float, float] = (1.0, 1.0)
    """The side that photos are trained at, as a share of their own: at first and at last, rising evenly."""
    mixed_precision: bool = True
    """bfloat16 where this machine is quicker with it."""
    patience: int | None = None
    """Stop after so many epochs without a better validation score; None: never."""
    augment: Augment = field(default_factory=Augment)

    def batch_size_for(self, num_photos: int) -> int:
        """How many of so many photos are learnt from at a time: fewer where there are few, so that an epoch has some 16
        steps, but not fewer than 8.

        On 128 photos of Fashion-MNIST, 8 epochs of `compact` came to 0.10 to 0.23 in batches of 128, and to 0.73 in
        batches of 8 (docs/decisions/0014-tiny-photos.md).
        """
        return min(self.batch_size, max(_SMALLEST_BATCH, num_photos // _STEPS_PER_EPOCH))

    def learning_rate_at(self, progress: float) -> float:
        """The rate when this share of the run is done, 0 to 1."""
        if not self.one_cycle:
            return self.learning_rate
        if progress < self.warm_up:
            return self.learning_rate * (0.1 + 0.9 * progress / self.warm_up)
        fallen = (progress - self.warm_up) / (1 - self.warm_up)
        return self.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fallen)))

    def size_px(self, full_px: int, progress: float) -> int:
        """The side that photos of `full_px` are trained at: a multiple of 32 px, or the full one."""
        first, last = self.sizes
        share = first + (last - first) * progress
        if share >= 1.0:
            return full_px
        return min(full_px, max(_SIZE_STEP_PX, round(full_px * share / _SIZE_STEP_PX) * _SIZE_STEP_PX))
