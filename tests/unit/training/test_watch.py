from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from tensorboardX.proto.event_pb2 import Event, SessionLog

from snapshelf.training import watch
from snapshelf.training.watch import EVENTS, watched

HISTORY = [
    {
        "loss": 2.0 / number, "validation_loss": 1.0, "accuracy": 0.25 * number, "learning_rate": 0.01, "size_px": 28,
        "photos_per_s": 99.0, "seconds": 1.5,
    }
    for number in (1, 2, 3)
]  # fmt: skip


def events(folder: Path) -> Iterator[Event]:
    """What TensorBoard reads: records of a length, its sum, the event, its sum."""
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            yield Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]


def test_every_epochs_numbers_are_there_for_tensorboard(tmp_path: Path) -> None:
    with watched(tmp_path, 10, 3, 0) as told:
        for done in (1, 2, 3):
            told.step(10, 0.5)
            told.epoch(HISTORY[:done], 3)
    values = {
        (value.tag, event.step): value.simple_value
        for event in events(tmp_path / EVENTS)
        for value in event.summary.value
    }
    assert values["loss/training", 2] == 1.0
    assert values["accuracy/validation", 3] == 0.75
    assert {tag for tag, _ in values} == {
        "loss/training", "loss/validation", "accuracy/validation", "learning_rate", "photos_per_s", "size_px"
    }  # fmt: skip


def test_a_run_that_goes_on_takes_back_what_it_told_of_the_epoch_that_was_not_saved(tmp_path: Path) -> None:
    with watched(tmp_path, 10, 3, 2):
        pass
    begun = [event.step for event in events(tmp_path / EVENTS) if event.session_log.status == SessionLog.START]
    assert begun == [3]


def test_in_a_terminal_the_bar_tells_epoch_loss_accuracy_rate_and_time_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Console(record=True, force_terminal=True, width=160)
    monkeypatch.setattr(watch, "console", terminal)
    monkeypatch.setattr("snapshelf.progress.console", terminal)
    with watched(tmp_path, 10, 3, 0) as told:
        told.step(10, 0.5)
        told.epoch(HISTORY[:1], 3)
        told.step(5, 0.5)
    text = terminal.export_text()
    assert "epoch 1/3  loss 2.0000  validation accuracy 0.2500  1.5 s" in text
    assert "epoch 2/3  loss 0.5000  accuracy 0.2500" in text
    assert "15/30" in text
    assert "photos/s" in text
    assert "left" in text
