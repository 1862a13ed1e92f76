"""The one training loop: a whole network, from random or from pretrained weights.

Shapes: N photos, C classes, S pixels a side.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from snapshelf.errors import TrainingDivergedError
from snapshelf.progress import console
from snapshelf.training.backbones import Backbone
from snapshelf.training.checkpoint import load_run, save_run
from snapshelf.training.depthwise import quick_depthwise
from snapshelf.training.device import autocast, best_device, place
from snapshelf.training.inference import normaliser, photo_batch, predict
from snapshelf.training.networks import Network
from snapshelf.training.norms import freeze_norms, settle_silent_channels
from snapshelf.training.optimizer import optimizer_for, set_rate
from snapshelf.training.processes import (
    gathered,
    is_first,
    learning_together,
    norms_over_all,
    num_processes,
    said_by_first,
    share_of,
    split_rows,
    summed,
)
from snapshelf.training.schedule import Schedule
from snapshelf.training.watch import watched

_LONG_S = 1e9


@dataclass(frozen=True, slots=True)
class Photos:
    """What a network learns from: all photos of a data set, and which of them it may see."""

    photos_NSSC: NDArray[np.uint8]
    labels_N: NDArray[np.int64]
    train_rows: NDArray[np.int64]
    validation_rows: NDArray[np.int64]


def train_network(
    backbone: Backbone, photos: Photos, schedule: Schedule, *, seed: int, work: Path, deadline_s: float = math.inf
) -> list[dict[str, float]]:
    """Train the network in place and leave it with the weights that did best on the validation photos.

    After every epoch the run is saved in `work`; called again with the same arguments, it goes on from there and ends
    with the same numbers. Where it would not be done by the deadline, on the clock of `time.monotonic`, the epochs that
    are left are made fewer, and the schedule hurries to its end with them.

    Returns:
        For each epoch its `loss`, `validation_loss`, `accuracy` (on validation), `learning_rate` (at last), `size_px`,
        `photos_per_s` (while it learnt) and `seconds` (with the look at the validation photos).

    Raises:
        TrainingDivergedError: the loss is no longer a number.
    """
    run = TrainingRun(backbone, photos, schedule, seed=seed)
    run.resume(work)
    with watched(work, len(photos.train_rows), run.num_epochs, len(run.history)) as watch:
        while (epoch := len(run.history)) < run.num_epochs:
            if run.has_stopped():
                console.print(f"Stopped early: {schedule.patience} epochs have brought nothing better.")
                break
            run.epoch(epoch, watch.step)
            run.hurry(deadline_s - time.monotonic())
            run.save(work)
            watch.epoch(run.history, run.num_epochs)
    run.network.load_state_dict(run.best)
    run.network.eval()
    return run.history


class TrainingRun:
    """The moving parts of one training run, an epoch at a time."""

    def __init__(self, backbone: Backbone, photos: Photos, schedule: Schedule, *, seed: int) -> None:
        self.backbone, self.photos, self.schedule, self.seed = backbone, photos, schedule, seed
        self.network: Network = backbone.network
        self.device = best_device()
        place(self.network, self.device)
        if schedule.frozen_norms:
            settle_silent_channels(self.network)
        self.normalise = normaliser(backbone, self.device)
        self.learner = learning_together(self.network)
        self.optimizer = optimizer_for(self.network, schedule)
        num_photos = len(photos.train_rows)
        self.steps_per_epoch = math.ceil(num_photos / schedule.batch_size_for(num_photos))
        self.average = _average(self.network, schedule.average_epochs * self.steps_per_epoch)
        self.best: dict[str, Tensor] = {}
        self.history: list[dict[str, float]] = []
        self.marks = np.linspace(0.0, 1.0, schedule.epochs + 1).tolist()
        """How much of the schedule is done before each epoch, and after the last one."""

    @property
    def num_epochs(self) -> int:
        """As many as the schedule has, or fewer where time is short."""
        return len(self.marks) - 1

    @property
    def judged(self) -> Network:
        """The network that counts: the average of the weights where there is one, else the one that learns."""
        return cast("Network", self.average.module) if self.average else self.network

    def resume(self, work: Path) -> None:
        """Go on where a run of the same arguments was saved; without one, begin."""
        found = load_run(work, self.network, self.optimizer, self.average)
        if found:
            self.best, state = found
            self.history, self.marks = state["history"], state["marks"]
            console.print(f"Going on after epoch {len(self.history)} of {self.num_epochs}.")

    def save(self, work: Path) -> None:
        """Keep all that `resume` needs."""
        if not is_first():
            return
        state: dict[str, Any] = {
            "history": self.history, "marks": self.marks, "schedule": asdict(self.schedule), "seed": self.seed,
        }  # fmt: skip
        save_run(work, self.network, self.optimizer, self.average, self.best, state)

    def has_stopped(self) -> bool:
        """Whether the last epochs, as many as the schedule's patience, brought nothing better."""
        patience = self.schedule.patience
        if patience is None or len(self.history) <= patience:
            return False
        scores = [_score(epoch) for epoch in self.history]
        return max(scores[-patience:]) <= max(scores[:-patience])

    def hurry(self, left_s: float) -> None:
        """Make the epochs that are left as few as fit into this time, by the pace of the last one."""
        done = len(self.history)
        planned = self.num_epochs - done
        fitting = said_by_first(max(0, math.floor(min(left_s, _LONG_S) / self.history[-1]["seconds"])))
        if fitting >= planned:
            return
        self.marks = self.marks[: done + 1] + np.linspace(self.marks[done], 1.0, fitting + 1).tolist()[1:]
        console.print(f"Slower than planned: {fitting} more epochs instead of {planned}.", style="yellow")

    def epoch(self, number: int, step: Callable[[int, float], None]) -> None:
        """Learn from every photo once, then look how well the validation photos are told apart.

        `number` counts from 0; `step` is called with the number of photos that were learnt from, and their loss.
        """
        started = time.perf_counter()
        # Each epoch has its own randomness, so that one that is begun anew after a kill is the same.
        torch.manual_seed(self.seed * 100_003 + number)
        order = np.random.default_rng([self.seed, number]).permutation(len(self.photos.train_rows))
        first, last = self.marks[number : number + 2]
        total_loss, rate, size_px = 0.0, 0.0, self._size_px(number)
        with self.learning():
            # Of nearly equal size: batch norm learns little from a small one, and nothing from a single photo.
            for index, rows in enumerate(np.array_split(self.photos.train_rows[order], self.steps_per_epoch)):
                made = first + (last - first) * index / self.steps_per_epoch
                set_rate(self.optimizer, rate := self.schedule.learning_rate_at(made))
                random = np.random.default_rng([self.seed, number, index])
                loss = self.learn(rows, random, size_px)
                total_loss += loss * len(rows)
                step(len(rows), loss)
        learnt_s = time.perf_counter() - started
        validation_loss, accuracy = self._validate()
        entry = {
            "loss": total_loss / len(order), "validation_loss": validation_loss, "accuracy": accuracy,
            "learning_rate": rate, "size_px": size_px, "photos_per_s": len(order) / learnt_s,
            "seconds": time.perf_counter() - started,
        }  # fmt: skip
        if _score(entry) >= max((_score(past) for past in self.history), default=(0.0, -math.inf)):
            self.best = {name: value.detach().clone() for name, value in self.judged.state_dict().items()}
        self.history.append(entry)

    def _size_px(self, epoch: int) -> int:
        last = max(self.marks[-2], 1e-9)  # so that the last epoch has the last size
        return self.schedule.size_px(self.photos.photos_NSSC.shape[1], min(1.0, self.marks[epoch] / last))

    @contextlib.contextmanager
    def learning(self) -> Iterator[None]:
        """The network as it is while it learns."""
        self.network.train()
        if self.schedule.frozen_norms:
            freeze_norms(self.network)
        with quick_depthwise(self.network, wanted=self.device.type == "cpu"), norms_over_all(self.network):
            yield

    def learn(self, rows: NDArray[np.int64], random: np.random.Generator, size_px: int) -> float:
        """One step, on the photos in these rows, changed at random; returns its loss.

        Where several processes learn together, each takes its share of them; what is drawn is the same as for one.
        """
        augment, share = self.schedule.augment, share_of(len(rows))
        changes = augment.draw(len(rows), random)[share]
        photos_NCSS = photo_batch(self.photos.photos_NSSC, rows[share]).to(self.device)
        photos_NCSS = augment.apply(photos_NCSS, changes, size_px)
        labels_N = torch.from_numpy(self.photos.labels_N[rows[share]])
        targets = augment.targets(labels_N, self.network.num_classes, changes).to(self.device)
        with autocast(self.device, wanted=self.schedule.mixed_precision):
            logits_NC, _ = self.learner(self.normalise(photos_NCSS))
        smoothing = self.schedule.label_smoothing
        sum_of_losses = functional.cross_entropy(logits_NC.float(), targets, label_smoothing=smoothing, reduction="sum")
        value = summed(sum_of_losses.item(), self.device) / len(rows)
        if not math.isfinite(value):
            raise TrainingDivergedError(
                f"The loss became {value} in epoch {len(self.history) + 1} at a learning rate of "
                f"{self.optimizer.param_groups[-1]['lr']:.2g}: the training diverged, nothing was published. Look for "
                "broken values in the --weights file, or try another --backbone or --seed."
            )
        self.optimizer.zero_grad(set_to_none=True)
        # The gradients will be divided by the number of processes.
        (sum_of_losses * (num_processes() / len(rows))).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.average:
            self.average.update_parameters(self.network)
        return value

    def _validate(self) -> tuple[float, float]:
        """Log-loss and accuracy on the validation photos."""
        rows = self.photos.validation_rows
        labels_N = self.photos.labels_N[rows]
        judged = replace(self.backbone, network=self.judged)
        logits_NC = gathered(predict(judged, self.photos.photos_NSSC, split_rows(rows)))
        loss = functional.cross_entropy(torch.from_numpy(logits_NC), torch.from_numpy(labels_N))
        return float(loss), float((logits_NC.argmax(1) == labels_N).mean())


def _score(epoch: dict[str, float]) -> tuple[float, float]:
    """What makes one epoch better than another."""
    return epoch["accuracy"], -epoch["validation_loss"]


def _average(network: Network, steps: float) -> AveragedModel | None:
    """An exponential average over about so many steps, of weights and of batch norm's means; None for 0."""
    if not steps:
        return None
    decay = 1 - 1 / max(steps, 2.0)
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)  # type: ignore[no-untyped-call]
