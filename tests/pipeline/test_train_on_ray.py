"""deploy/ray_train.py: the machines of a Ray cluster train together; here two places on one machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.prepare import prepare

pytest.importorskip("ray", reason="the [ray] extra is not installed; make test-ray installs and runs these")
pytestmark = pytest.mark.ray


def test_two_places_train_one_network(store: Store, photo_folder: Path) -> None:
    prepare(store, str(photo_folder), size_px=28, limits=DecodeLimits(), num_threads=1)
    script = Path(__file__).parents[2] / "deploy/ray_train.py"
    options = ["--address", "local", "--machines", "2", "--store", str(store.root)]
    done = subprocess.run(
        [sys.executable, str(script), *options, "--recipe", "balanced", "--backbone", "compact"],
        check=False, capture_output=True, text=True, timeout=240,
        env=os.environ | {"SNAPSHELF_THREADS": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert said.count("Model compact-balanced-") == 1
    assert ModelCard.read(store.current("models")).validation["accuracy"] > 0.8
