"""Does the demo's own network beat the seed's, in time and in accuracy?

    python bench/bench_train.py [STORE or DATA SET]

Trains `compact` and `seed-cnn` by their `quick` recipes on the same photos, an epoch of the one and an epoch of the
other in turn, so that whatever else the machine does slows both alike. Prints the time as a ratio, compact over
seed-cnn, and both accuracies on the test split; the last line is JSON. Without an argument: the data set in use of the
store `.demo`, which `make demo` makes.

Shapes: N photos, C classes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import MANIFEST, Dataset
from snapshelf.settings import load_settings
from snapshelf.training.backbones import load_backbone
from snapshelf.training.inference import predict
from snapshelf.training.loop import Photos, TrainingRun
from snapshelf.training.recipes import recipe_for

NAMES = ("compact", "seed-cnn")


def main() -> None:
    """Train both, then print what the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(".demo"))
    folder = parser.parse_args().folder
    if not folder.exists():
        parser.exit(message=f"{folder} is not there; left out. Make it with: make demo\n")
    dataset = Dataset(folder if (folder / MANIFEST).exists() else Store(folder).current("datasets"))
    torch.set_num_threads(load_settings().num_threads)
    photos = Photos(dataset.photos(), dataset.class_indices(), dataset.rows("train"), dataset.rows("validation"))
    runs = {name: begin(name, dataset, photos) for name in NAMES}
    for number in range(max(run.schedule.epochs for run in runs.values())):
        for name, run in runs.items():
            if number < run.schedule.epochs:
                run.epoch(number, lambda *_: None)
                print(f"{name:10} epoch {number + 1}: {run.history[-1]}", flush=True)
    seconds = {name: sum(epoch["seconds"] for epoch in run.history) for name, run in runs.items()}
    accuracy = {name: test_accuracy(run, dataset) for name, run in runs.items()}
    ratio = seconds["compact"] / seconds["seed-cnn"]
    print(f"compact takes {ratio:.2f} of the time of seed-cnn; test accuracy {accuracy}")
    print(json.dumps({"time_ratio": ratio, "seconds": seconds, "accuracy": accuracy}))


def begin(name: str, dataset: Dataset, photos: Photos) -> TrainingRun:
    """A run of the `quick` recipe, at its start."""
    torch.manual_seed(0)
    backbone = load_backbone(name, len(dataset.labels), size_px=dataset.card.preprocess.size_px)
    schedule = recipe_for("quick", backbone).schedule
    assert schedule is not None
    return TrainingRun(backbone, photos, schedule, seed=0)


def test_accuracy(run: TrainingRun, dataset: Dataset) -> float:
    """Of the weights that did best on validation, on the test split."""
    run.network.load_state_dict(run.best)
    rows = dataset.rows("test")
    return float((predict(run.backbone, run.photos.photos_NSSC, rows).argmax(1) == run.photos.labels_N[rows]).mean())


if __name__ == "__main__":
    main()
