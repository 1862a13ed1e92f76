"""What people see of a training while it runs: a bar, a line an epoch, and curves in TensorBoard."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tensorboardX import SummaryWriter

from snapshelf.progress import Bar, console, progress
from snapshelf.training.processes import is_first

EVENTS = "tensorboard"

_CURVES = {
    "loss/training": "loss",
    "loss/validation": "validation_loss",
    "accuracy/validation": "accuracy",
    "learning_rate": "learning_rate",
    "photos_per_s": "photos_per_s",
    "size_px": "size_px",
}
_INERTIA = 0.95
"""Of the loss that is shown: that of one batch jumps too much to be read."""


class Watch:
    """Told of every step and every epoch."""

    def __init__(self, bar: Bar, events: SummaryWriter, num_photos: int, num_epochs: int, done: int) -> None:
        self._bar, self._events, self._num_photos = bar, events, num_photos
        self._num_epochs, self._done = num_epochs, done
        self._loss: float | None = None
        self._accuracy = ""

    def step(self, num_photos: int, loss: float) -> None:
        """So many photos more were learnt from, at this loss."""
        self._loss = loss if self._loss is None else _INERTIA * self._loss + (1 - _INERTIA) * loss
        self._bar(num_photos)
        self._bar.tell(f"epoch {self._done + 1}/{self._num_epochs}  loss {self._loss:.4f}{self._accuracy}")

    def epoch(self, history: Sequence[Mapping[str, float]], num_epochs: int) -> None:
        """One epoch more is done; so many there will be."""
        self._done, self._num_epochs, last = len(history), num_epochs, history[-1]
        for curve, name in _CURVES.items():
            self._events.add_scalar(curve, last[name], self._done)
        self._events.flush()
        self._accuracy = f"  accuracy {last['accuracy']:.4f}"
        if self._done < num_epochs:
            self._bar.tell(f"epoch {self._done + 1}/{num_epochs}{self._accuracy}", num_epochs * self._num_photos)
        console.print(
            f"epoch {self._done}/{num_epochs}  loss {last['loss']:.4f}  validation accuracy {last['accuracy']:.4f}  "
            f"{last['seconds']:.1f} s"
        )


@contextlib.contextmanager
def watched(work: Path, num_photos: int, num_epochs: int, done: int) -> Iterator[Watch]:
    """Watch a training while the block runs.

    Args:
        work: where the curves are written, in a folder `tensorboard`.
        num_photos: of an epoch.
        num_epochs: planned.
        done: epochs that are there already, from a run that was killed.
    """
    # What a killed run told of an epoch that it did not save is taken back.
    events = SummaryWriter(str(work / EVENTS), purge_step=done + 1 if done else None, write_to_disk=is_first())
    with progress("Training", num_epochs * num_photos) as bar, contextlib.closing(events):
        bar(done * num_photos)
        yield Watch(bar, events, num_photos, num_epochs, done)
