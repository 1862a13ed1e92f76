from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from snapshelf.training.augment import Augment
from snapshelf.training.backbones import load_backbone
from snapshelf.training.loop import Photos, train_network
from snapshelf.training.processes import gathered, is_first, joined_processes, said_by_first, share_of, split_rows
from snapshelf.training.schedule import Schedule

LEARNING_NORMS = Schedule(
    epochs=2, batch_size=8, learning_rate=0.05, optimizer="sgd", mixed_precision=False, average_epochs=0.5,
    augment=Augment(flip=True, min_area=0.5, trivial=True, erase=0.5, cutmix=0.5),
)  # fmt: skip
"""60 photos in batches of 7 and 8, so that two processes have different numbers of them. By SGD, as Adam would divide
gradients that are nearly nothing, and so their rounding, by themselves."""

SCHEDULES = {"norms that learn": LEARNING_NORMS, "frozen norms": replace(LEARNING_NORMS, frozen_norms=True)}


def trained(photos: Photos, schedule: Schedule, work: Path) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    backbone = load_backbone("compact", 3, size_px=12)
    history = train_network(backbone, photos, schedule, seed=3, work=work)
    numbers = [[epoch[name] for name in ("loss", "validation_loss", "accuracy")] for epoch in history]
    return backbone.network.state_dict() | {"history": torch.tensor(numbers)}


def main(folder: Path) -> None:
    """What each of the processes runs."""
    torch.set_num_threads(1)
    with np.load(folder / "photos.npz") as file:
        photos = Photos(**file)
    with joined_processes():
        for name, schedule in SCHEDULES.items():
            state = trained(photos, schedule, folder / name)
            if is_first():
                save_file({part: value.contiguous() for part, value in state.items()}, folder / f"{name}.safetensors")


def test_two_processes_end_with_the_same_network_as_one(photos: Photos, tmp_path: Path) -> None:
    np.savez(tmp_path / "photos.npz", **{name: getattr(photos, name) for name in Photos.__slots__})
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", __file__]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, str(tmp_path)], check=True, env=environment, cwd=root)
    for name, schedule in SCHEDULES.items():
        alone = trained(photos, schedule, tmp_path / f"alone, {name}")
        together = load_file(tmp_path / f"{name}.safetensors")
        assert together.keys() == alone.keys()
        for part, value in alone.items():
            torch.testing.assert_close(
                together[part], value, rtol=1e-3, atol=1e-4, msg=partial("{0}, {1}: {2}".format, name, part)
            )


def test_a_process_by_itself_is_the_first_and_does_everything() -> None:
    rows = np.arange(5)
    with joined_processes():
        assert is_first()
        assert said_by_first("a word") == "a word"
        assert share_of(5) == slice(0, 5)
        np.testing.assert_array_equal(gathered(split_rows(rows).astype(np.float32)), rows)


@pytest.mark.parametrize("num", [1, 2, 7, 32, 33])
@pytest.mark.parametrize("processes", [2, 3, 8])
def test_the_shares_cover_a_batch_and_part_no_pair(monkeypatch: pytest.MonkeyPatch, num: int, processes: int) -> None:
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: processes)
    seen = []
    for rank in range(processes):
        monkeypatch.setattr("torch.distributed.get_rank", lambda rank=rank: rank)
        share = share_of(num)
        assert share.start % 2 == 0
        seen += list(range(num))[share]
    assert seen == list(range(num))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
