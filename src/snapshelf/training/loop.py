"""The one training loop: a whole network, from random or from pretrained weights.

Shapes: N photos, C classes, S pixels a side.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from snapshelf.data.near_duplicates import PhotoRows
from snapshelf.errors import TrainingDivergedError
from snapshelf.progress import console, progress
from snapshelf.training.augment import Augment
from snapshelf.training.backbones import Backbone
from snapshelf.training.checkpoint import load_run, save_run
from snapshelf.training.device import autocast, best_device, place
from snapshelf.training.networks import Network


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how a network is trained."""

    epochs: int
    batch_size: int
    learning_rate: float
    """The highest one where it follows one cycle, else the only one."""
    one_cycle: bool = True
    """Rise for a quarter of the run, then fall along a cosine (Smith 2018); else constant."""
    optimizer: Literal["adamw", "adam"] = "adamw"
    weight_decay: float = 0.05
    """On weights, not on biases and norms; `adam` has none."""
    label_smoothing: float = 0.05
    mixed_precision: bool = True
    """bfloat16 where this machine is quicker with it."""
    augment: Augment = field(default_factory=Augment)


@dataclass(frozen=True, slots=True)
class Photos:
    """What a network learns from: all photos of a data set, and which of them it may see."""

    photos_NSSC: NDArray[np.uint8]
    labels_N: NDArray[np.int64]
    train_rows: NDArray[np.int64]
    validation_rows: NDArray[np.int64]


def train_network(
    backbone: Backbone, photos: Photos, schedule: Schedule, *, seed: int, work: Path
) -> list[dict[str, float]]:
    """Train the network in place and leave it with the weights that did best on the validation photos.

    After every epoch the run is saved in `work`; called again with the same arguments, it goes on from there and ends
    with the same numbers.

    Returns:
        For each epoch its `loss`, `accuracy` (on validation) and `seconds`.

    Raises:
        TrainingDivergedError: the loss is no longer a number.
    """
    run = TrainingRun(backbone, photos, schedule, seed=seed)
    run.resume(work)
    total = schedule.epochs * len(photos.train_rows)
    with progress(f"Training {backbone.name}", total) as step:
        step(len(run.history) * len(photos.train_rows))
        for epoch in range(len(run.history), schedule.epochs):
            run.epoch(epoch, step)
            run.save(work)
            last = run.history[-1]
            console.print(
                f"epoch {epoch + 1}/{schedule.epochs}  loss {last['loss']:.4f}  "
                f"validation accuracy {last['accuracy']:.4f}  {last['seconds']:.1f} s"
            )
    run.network.load_state_dict(run.best)
    run.network.eval()
    return run.history


def predict(backbone: Backbone, photos: Photos, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Logits (N, C) of the photos in these rows."""
    return _look_at(backbone, photos, rows, 0)


def _look_at(backbone: Backbone, photos: Photos, rows: NDArray[np.int64], which: Literal[0, 1]) -> NDArray[np.float32]:
    """The network's logits (0) or embeddings (1)."""
    device = best_device()
    place(backbone.network, device)
    backbone.network.eval()
    normalise = normaliser(backbone, device)
    size = batch_size_for(photos.photos_NSSC.shape[1], device)
    with torch.inference_mode(), autocast(device):
        answers = [
            backbone.network(normalise(photo_batch(photos.photos_NSSC, batch)))[which].float().cpu()
            for batch in _batches(rows, size)
        ]
    answers_NX: NDArray[np.float32] = torch.cat(answers).numpy()
    return answers_NX


def embed(backbone: Backbone, photos: Photos, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """L2-normalised embeddings (N, D) of the photos in these rows."""
    return functional.normalize(torch.from_numpy(_look_at(backbone, photos, rows, 1)), dim=1).numpy()


def batch_size_for(size_px: int, device: torch.device) -> int:
    """How many photos to look at together where nothing is learnt.

    On a processor few large photos, so that they stay in its caches: EfficientNet-Lite0 at 224 px takes 5.6 ms a photo
    in batches of 8 and 9.0 ms in batches of 32.
    """
    return 256 if device.type == "cuda" or size_px <= 64 else 8


def photo_batch(photos_NSSC: PhotoRows, rows: NDArray[np.int64]) -> Tensor:
    """Some photos as uint8 (N, 3, S, S), read from disk if they lie there, the channels still last in memory."""
    return torch.from_numpy(np.ascontiguousarray(photos_NSSC[rows])).permute(0, 3, 1, 2)


def normaliser(backbone: Backbone, device: torch.device) -> Callable[[Tensor], Tensor]:
    """What turns a batch of uint8 photos into the floats that this backbone takes, on the device."""
    mean = torch.tensor(backbone.mean, device=device)[None, :, None, None]
    std = torch.tensor(backbone.std, device=device)[None, :, None, None]
    return lambda photos_NCSS: (photos_NCSS.to(device).float() - mean) / std


def learning_rate(schedule: Schedule, step: int, steps: int) -> float:
    """The rate for one step, counted from 0, of `steps`."""
    if not schedule.one_cycle:
        return schedule.learning_rate
    top = 0.25 * steps
    if step < top:
        return schedule.learning_rate * (0.1 + 0.9 * step / top)
    return schedule.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - top) / (steps - top))))


def _batches(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


class TrainingRun:
    """The moving parts of one training run, an epoch at a time."""

    def __init__(self, backbone: Backbone, photos: Photos, schedule: Schedule, *, seed: int) -> None:
        self.backbone, self.photos, self.schedule, self.seed = backbone, photos, schedule, seed
        self.network: Network = backbone.network
        self.device = best_device()
        place(self.network, self.device)
        self.normalise = normaliser(backbone, self.device)
        self.optimizer = _optimizer(self.network, schedule)
        self.best: dict[str, Tensor] = {}
        self.history: list[dict[str, float]] = []

    def resume(self, work: Path) -> None:
        """Go on where a run of the same arguments was saved; without one, begin."""
        found = load_run(work, self.network, self.optimizer)
        if found:
            self.best, state = found
            self.history = state["history"]
            console.print(f"Going on after epoch {len(self.history)} of {self.schedule.epochs}.")

    def save(self, work: Path) -> None:
        """Keep all that `resume` needs."""
        state: dict[str, Any] = {"history": self.history, "schedule": asdict(self.schedule), "seed": self.seed}
        save_run(work, self.network, self.optimizer, self.best, state)

    def epoch(self, number: int, step: Callable[[int], None]) -> None:
        """Learn from every photo once, then look how well the validation photos are told apart.

        `number` counts from 0; `step` is called with the number of photos done.
        """
        started = time.perf_counter()
        # Each epoch has its own randomness, so that one that is begun anew after a kill is the same.
        torch.manual_seed(self.seed * 100_003 + number)
        generator = torch.Generator().manual_seed(self.seed * 100_003 + number)
        order = torch.randperm(len(self.photos.train_rows), generator=generator).numpy()
        batches = list(_batches(self.photos.train_rows[order], self.schedule.batch_size))
        self.network.train()
        total_loss = 0.0
        for index, rows in enumerate(batches):
            self._set_rate(number * len(batches) + index, self.schedule.epochs * len(batches))
            total_loss += self._learn(rows, generator, number) * len(rows)
            step(len(rows))
        accuracy = self._accuracy()
        if accuracy >= max((past["accuracy"] for past in self.history), default=0.0):
            self.best = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        seconds = time.perf_counter() - started
        self.history.append({"loss": total_loss / len(order), "accuracy": accuracy, "seconds": seconds})

    def _set_rate(self, step: int, steps: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.schedule, step, steps)

    def _learn(self, rows: NDArray[np.int64], generator: torch.Generator, epoch: int) -> float:
        photos = self.schedule.augment.apply(photo_batch(self.photos.photos_NSSC, rows), generator)
        labels_N = torch.from_numpy(self.photos.labels_N[rows]).to(self.device)
        with autocast(self.device, wanted=self.schedule.mixed_precision):
            logits_NC, _ = self.network(self.normalise(photos))
        loss = functional.cross_entropy(logits_NC.float(), labels_N, label_smoothing=self.schedule.label_smoothing)
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingDivergedError(
                f"The loss became {value} in epoch {epoch + 1} at a learning rate of "
                f"{self.optimizer.param_groups[0]['lr']:.2g}: the training diverged, nothing was published. Look for "
                "broken values in the --weights file, or try another --backbone or --seed."
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return value

    def _accuracy(self) -> float:
        rows = self.photos.validation_rows
        return float((predict(self.backbone, self.photos, rows).argmax(1) == self.photos.labels_N[rows]).mean())


def _optimizer(network: Network, schedule: Schedule) -> torch.optim.Optimizer:
    if schedule.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), schedule.learning_rate, fused=True)
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": schedule.weight_decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, schedule.learning_rate, fused=True)
