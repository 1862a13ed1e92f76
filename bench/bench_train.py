"""Does training lose time beside its steps, and does it beat the network this project began with?

    python bench/bench_train.py [STORE] [--peer COMMAND] [--rounds N]

1. The rate of a real epoch, over the rate of the same step on one batch that lies in memory, changed already: what
   reading and changing photos costs. For the network and recipe that `train` would take for the data set in use of the
   store (without an argument: `.demo`, which `make demo` makes).
2. Photos of 28 px: `compact` against `seed-cnn`, the project's first network, by their `quick` recipes, an epoch of the
   one and an epoch of the other in turn, so that whatever else the machine does slows both alike.
3. With `--peer`: a command that trains on the same photos and prints JSON with `fit_s` and `accuracy` (on the test
   photos) on its last line. In each round it runs once, then `compact` twice: planned to end within 0.15 and within 0.5
   of the peer's time.

Prints ratios and test accuracies; the last line is JSON.

Shapes: N photos.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import MANIFEST, Dataset
from snapshelf.settings import load_settings
from snapshelf.training.backbones import backbone_for, load_backbone
from snapshelf.training.device import autocast, reuse_freed_memory
from snapshelf.training.inference import photo_batch, predict
from snapshelf.training.loop import Photos, TrainingRun
from snapshelf.training.recipes import RecipeName, recipe_for

NAMES = ("compact", "seed-cnn")
SHARES = (0.15, 0.5)
STEPS = 20


def main() -> None:
    """Measure what the module says, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(".demo"))
    parser.add_argument("--peer")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if not arguments.folder.exists():
        parser.exit(message=f"{arguments.folder} is not there; left out. Make it with: make demo\n")
    folder = arguments.folder
    dataset = Dataset(folder if (folder / MANIFEST).exists() else Store(folder).current("datasets"))
    reuse_freed_memory()
    torch.set_num_threads(load_settings().num_threads)
    photos = Photos(dataset.photos(), dataset.class_indices(), dataset.rows("train"), dataset.rows("validation"))
    size_px = dataset.card.preprocess.size_px
    found: dict[str, Any] = {}
    tiny = size_px <= 64
    recipes: tuple[RecipeName, ...] = ("quick", "balanced") if tiny else ("balanced",)
    for recipe in recipes:
        name = backbone_for(size_px, recipe)
        found[f"step rate, {name}"] = step_rate(begin(name, recipe, dataset, photos))
        print(f"step rate of {name}, real over in memory: {found[f'step rate, {name}']:.3f}", flush=True)
    if tiny:
        found |= against_the_first_network(dataset, photos)
        if arguments.peer:
            found |= against_a_peer(arguments.peer, arguments.rounds, dataset, photos)
    print(json.dumps(found))


def begin(name: str, recipe: RecipeName, dataset: Dataset, photos: Photos, epochs: int | None = None) -> TrainingRun:
    """A run of a recipe, at its start; of another length, if one is given."""
    torch.manual_seed(0)
    backbone = load_backbone(name, len(dataset.labels), size_px=dataset.card.preprocess.size_px)
    schedule = recipe_for(recipe, backbone).schedule
    assert schedule is not None
    return TrainingRun(backbone, photos, replace(schedule, epochs=epochs or schedule.epochs), seed=0)


def step_rate(run: TrainingRun) -> float:
    """The median real step against the median step in memory, one of each in turn."""
    random = np.random.default_rng(0)
    batch, size_px = run.schedule.batch_size, run.schedule.size_px(run.photos.photos_NSSC.shape[1], 0.5)
    first = run.photos.train_rows[:batch]
    changed_NCSS = run.schedule.augment.apply(
        photo_batch(run.photos.photos_NSSC, first), run.schedule.augment.draw(batch, random), size_px
    )
    labels_N = torch.from_numpy(run.photos.labels_N[first]).to(run.device)

    def in_memory() -> None:
        with autocast(run.device, wanted=run.schedule.mixed_precision):
            logits_NC, _ = run.learner(run.normalise(changed_NCSS))
        loss = functional.cross_entropy(logits_NC.float(), labels_N, label_smoothing=run.schedule.label_smoothing)
        loss.item()
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        run.optimizer.step()
        if run.average:
            run.average.update_parameters(run.network)

    real_s, memory_s = [], []
    with run.learning():
        for _ in range(STEPS + 2):
            rows = random.choice(run.photos.train_rows, batch, replace=False)
            real_s.append(seconds_of(partial(run.learn, rows, random, size_px)))
            memory_s.append(seconds_of(in_memory))
    return median(memory_s[2:]) / median(real_s[2:])


def seconds_of(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def against_the_first_network(dataset: Dataset, photos: Photos) -> dict[str, Any]:
    """`compact` and `seed-cnn`, epoch by epoch in turn."""
    runs = {name: begin(name, "quick", dataset, photos) for name in NAMES}
    for number in range(max(run.schedule.epochs for run in runs.values())):
        for run in runs.values():
            if number < run.schedule.epochs:
                run.epoch(number, lambda *_: None)
    seconds = {name: sum(epoch["seconds"] for epoch in run.history) for name, run in runs.items()}
    accuracy = {name: test_accuracy(run, dataset) for name, run in runs.items()}
    ratio = seconds["compact"] / seconds["seed-cnn"]
    print(f"compact takes {ratio:.2f} of the time of seed-cnn; test accuracy {accuracy}", flush=True)
    return {"time ratio": ratio, "accuracy": accuracy}


def against_a_peer(command: str, rounds: int, dataset: Dataset, photos: Photos) -> dict[str, Any]:
    """The peer, then `compact` within shares of the peer's time; the medians over the rounds."""
    peers: list[dict[str, float]] = []
    ours: dict[float, list[tuple[float, float]]] = {share: [] for share in SHARES}
    for number in range(rounds):
        answer = subprocess.run(shlex.split(command), check=True, capture_output=True, text=True).stdout
        peer = json.loads(answer.strip().splitlines()[-1])
        peers.append(peer)
        for share in SHARES:
            ours[share].append(within(share * peer["fit_s"], dataset, photos, seed=number))
            seconds, accuracy = ours[share][-1]
            print(
                f"round {number + 1}: peer {peer['accuracy']:.4f} in {peer['fit_s']:.1f} s; "
                f"compact {accuracy:.4f} in {seconds:.1f} s ({seconds / peer['fit_s']:.3f} of it)",
                flush=True,
            )
    peer_s, peer_accuracy = (median(each[key] for each in peers) for key in ("fit_s", "accuracy"))
    return {
        "peer": {"fit_s": peer_s, "accuracy": peer_accuracy},
        "compact": {
            f"within {share}": {
                "time ratio": median(s / p["fit_s"] for (s, _), p in zip(runs, peers, strict=True)),
                "accuracy": median(accuracy for _, accuracy in runs),
            }
            for share, runs in ours.items()
        },
    }


def within(budget_s: float, dataset: Dataset, photos: Photos, seed: int) -> tuple[float, float]:
    """Seconds of training and test accuracy of `compact`, its schedule fitted into the time by its measured pace."""
    trial = begin("compact", "quick", dataset, photos)
    random = np.random.default_rng(0)
    with trial.learning():
        step = partial(trial.learn, photos.train_rows[: trial.schedule.batch_size], random, photos.photos_NSSC.shape[1])
        paces = [seconds_of(step) for _ in range(STEPS)]
    look_s = seconds_of(lambda: predict(trial.backbone, photos.photos_NSSC, photos.validation_rows))
    epochs = budget_s / (trial.steps_per_epoch * median(paces) + look_s)
    # Where two and a half epochs fit, three of five sixths of the photos.
    whole = math.ceil(epochs - 0.05)
    rows = np.random.default_rng(seed).permutation(photos.train_rows)[: int(epochs / whole * len(photos.train_rows))]
    run = begin("compact", "quick", dataset, replace(photos, train_rows=np.sort(rows)), whole)
    started = time.perf_counter()
    for number in range(run.schedule.epochs):
        run.epoch(number, lambda *_: None)
    return time.perf_counter() - started, test_accuracy(run, dataset)


def test_accuracy(run: TrainingRun, dataset: Dataset) -> float:
    """Of the weights that did best on validation, on the test split."""
    run.network.load_state_dict(run.best)
    rows = dataset.rows("test")
    return float((predict(run.backbone, run.photos.photos_NSSC, rows).argmax(1) == run.photos.labels_N[rows]).mean())


if __name__ == "__main__":
    main()
