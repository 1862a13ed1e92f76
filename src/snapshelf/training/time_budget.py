"""How much training fits into a given time: the rate is measured, then the epochs are counted."""

from __future__ import annotations

import copy
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from snapshelf.errors import ConfigError
from snapshelf.training.backbones import Backbone
from snapshelf.training.familiarity import some_of_each_class
from snapshelf.training.inference import predict
from snapshelf.training.loop import Photos, TrainingRun
from snapshelf.training.recipes import Recipe
from snapshelf.training.schedule import Schedule

_MARGIN = 0.9
"""Of the time that is planned with: machines are slower at times."""

_EXPORT_S = 12.0
"""For writing the model and comparing it with the network."""

_FEWEST_EPOCHS = 3
"""Fewer do not pay where there are pretrained weights: a head alone is better then."""

_RUNS = 3
_LOOKED_AT = 32

_UNITS_S = {"h": 3600, "m": 60, "s": 1}


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `10m`, `1h30m`.

    Raises:
        ConfigError: it is nothing of the kind, or no time at all.
    """
    parts = re.findall(r"(\d+)([hms])", text)
    seconds = sum(int(number) * _UNITS_S[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or not seconds:
        raise ConfigError(f"--time-budget {text}: expected a time such as 90s, 10m or 1h30m.")
    return float(seconds)


@dataclass(frozen=True, slots=True)
class Plan:
    """What fits into the time."""

    epochs: int
    """Of the whole network; 0 where there is only time for its head."""
    photos_per_s: float
    """How fast it learns, the looks at the validation photos included."""
    deadline_s: float
    """When the training has to end, on the clock of `time.monotonic`."""


def plan_within(budget_s: float, started_s: float, backbone: Backbone, photos: Photos, longest: Recipe) -> Plan:
    """As many epochs as there is time for, up to those of the longest recipe.

    Args:
        budget_s: for everything, from `started_s` on.
        started_s: when the clock was started, by `time.monotonic`.
        backbone: stays as it is.
        photos: what it is to learn from.
        longest: what is done where there is time enough; it has a schedule.
    """
    look_s = _look_s(backbone, photos)
    validation_s = look_s * len(photos.validation_rows)
    # Afterwards the validation photos and some others are looked at once more; the network is exported and compared.
    others_s = look_s * len(some_of_each_class(photos.train_rows, photos.labels_N))
    deadline_s = started_s + budget_s - validation_s - others_s - _EXPORT_S
    if longest.schedule is None:
        return Plan(0, math.inf, deadline_s)
    epoch_s = _epoch_s(backbone, photos, longest.schedule) + validation_s
    fitting = int(_MARGIN * (deadline_s - time.monotonic()) / epoch_s)
    if backbone.pretrained and fitting < _FEWEST_EPOCHS:
        fitting = 0
    epochs = min(max(fitting, 0 if backbone.pretrained else 1), longest.schedule.epochs)
    return Plan(epochs, len(photos.train_rows) / epoch_s, deadline_s)


def _epoch_s(backbone: Backbone, photos: Photos, schedule: Schedule) -> float:
    """How long an epoch takes on average, found by learning from a batch with a copy of the network."""
    run = TrainingRun(replace(backbone, network=copy.deepcopy(backbone.network)), photos, schedule, seed=0)
    rows = photos.train_rows[: schedule.batch_size_for(len(photos.train_rows))]
    full_px = photos.photos_NSSC.shape[1]
    sizes = {schedule.size_px(full_px, progress) for progress in (0.0, 1.0)}
    with run.learning():
        steps = [_seconds_of(partial(run.learn, rows, np.random.default_rng(0), size)) for size in sizes]
    return sum(steps) / len(steps) * len(photos.train_rows) / len(rows)


def _look_s(backbone: Backbone, photos: Photos) -> float:
    """How long it takes to look at a photo."""
    rows = photos.validation_rows[:_LOOKED_AT]
    return _seconds_of(partial(predict, backbone, photos.photos_NSSC, rows)) / len(rows)


def _seconds_of(work: Callable[[], object]) -> float:
    """The mean of a few runs, after one that does not count."""
    work()
    started = time.perf_counter()
    for _ in range(_RUNS):
        work()
    return (time.perf_counter() - started) / _RUNS
