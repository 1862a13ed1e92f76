"""`torchrun … snapshelf train`: two processes, one of which is killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.prepare import prepare
from snapshelf.training.checkpoint import FILE_NAME


def _together(store: Store) -> subprocess.Popen[str]:
    """The command of docs/training.md, with two processes."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    what = ["-m", "snapshelf", "train", "--store", str(store.root), "--recipe", "balanced", "--backbone", "compact"]
    environment = os.environ | {"COLUMNS": "200", "SNAPSHELF_THREADS": "2", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*torchrun, *what], stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found by /proc, which Linux has")
def test_one_of_two_processes_is_killed_and_the_same_command_goes_on(store: Store, photo_folder: Path) -> None:
    """That two processes end where one does is in tests/unit/training/test_processes.py."""
    prepare(store, str(photo_folder), size_px=28, limits=DecodeLimits(), num_threads=1)
    broken = _together(store)
    ends = time.monotonic() + 120
    while not list((store.root / "models").glob(f".training-*/{FILE_NAME}")):
        assert time.monotonic() < ends
        assert broken.poll() is None
        time.sleep(0.01)
    os.kill(_children(broken.pid)[1], signal.SIGKILL)
    _, said = broken.communicate(timeout=120)
    assert broken.returncode != 0, said
    assert store.ids("models") == []

    whole = _together(store)
    _, said = whole.communicate(timeout=120)
    assert whole.returncode == 0, said
    assert "Going on after epoch" in said
    assert said.count("Model compact-balanced-") == 1
    assert ModelCard.read(store.current("models")).validation["accuracy"] > 0.8


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()]
