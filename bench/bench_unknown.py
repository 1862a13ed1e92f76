"""By which score is a photo of an unknown thing told from the known ones?

    python bench/bench_unknown.py STORE [OTHER_STORE …] [--epochs N]

Two questions, on validation photos alone:

- Classes left out: the classes of STORE are parted in five; each part in turn is left out of training, and its
  validation photos are the unknown ones. With the default backbone and a new head; with `--epochs N`, whole networks
  are trained so long instead, without the first part only.
- Other data: the model in use of STORE looks at its own validation photos and at those of the other stores.

Prints AUROC and the false positive rate at 95 % true positives of each score; the last line is JSON.

Shapes: N photos, C classes, D numbers an embedding; T photos learnt from.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp

from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.metrics.calibration import fit_temperature, softmax
from snapshelf.metrics.rejection import rejection_scores
from snapshelf.settings import load_settings
from snapshelf.training.backbones import BUNDLED, load_backbone
from snapshelf.training.device import reuse_freed_memory
from snapshelf.training.familiarity import Familiarity, class_means
from snapshelf.training.features import FeatureCache
from snapshelf.training.inference import Seen, look_at
from snapshelf.training.loop import Photos
from snapshelf.training.recipes import recipe_for, train_by
from snapshelf.wiring import open_encoder

PARTS = 5
ENERGY = "energy (log-sum-exp of logits)"


def main() -> None:
    """Measure, print a table for each question, and all of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stores", nargs="*", type=Path)
    parser.add_argument("--epochs", type=int, default=0)
    arguments = parser.parse_args()
    if not arguments.stores:
        parser.exit(message="Skipped: name a store with a prepared data set.\n")
    reuse_freed_memory()
    torch.set_num_threads(load_settings().num_threads)
    store, *others = map(Store, arguments.stores)
    tables = {"classes left out": classes_left_out(Dataset(store.current("datasets")), arguments.epochs)}
    if store.has_current("models"):
        tables |= {f"photos of {other.root.name}": other_data(store, other) for other in others}
    for question, table in tables.items():
        print(f"{question}\n{'':44}AUROC   FPR at 95 % TPR")
        for score, (auroc, fpr) in table.items():
            print(f"  {score:42}{auroc:.3f}   {fpr:.3f}")
    print(json.dumps(tables))


def classes_left_out(dataset: Dataset, epochs: int) -> dict[str, tuple[float, float]]:
    """The means over the parts."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for part in range(1 if epochs else PARTS):
        known, unknown, learnt, labels_T = trained_without(dataset, part, epochs)
        for score, values in compared(known[0], unknown, learnt, labels_T, known[1]).items():
            found[score].append(values)
    return {score: tuple(np.mean(values, axis=0).round(4).tolist()) for score, values in found.items()}


def trained_without(
    dataset: Dataset, part: int, epochs: int
) -> tuple[tuple[Seen, NDArray[np.int64]], Seen, Seen, NDArray[np.int64]]:
    """Of a network that never saw one part of the classes: known validation photos with labels, unknown ones, photos
    learnt from with labels."""
    label_N = dataset.class_indices()
    parts_C = np.random.default_rng(0).permutation(len(dataset.labels)) % PARTS
    kept = np.flatnonzero(parts_C != part)
    number_C = np.full(len(dataset.labels), -1)
    number_C[kept] = np.arange(len(kept))
    train, held_out = dataset.rows("train"), dataset.rows("validation")
    is_kept_N = parts_C[label_N] != part
    photos = Photos(dataset.photos(), number_C[label_N], train[is_kept_N[train]], held_out[is_kept_N[held_out]])
    torch.manual_seed(0)
    backbone = load_backbone(BUNDLED, len(kept), size_px=photos.photos_NSSC.shape[1])
    recipe = recipe_for("balanced" if epochs else "quick", backbone)
    if recipe.schedule:
        recipe = replace(recipe, schedule=replace(recipe.schedule, epochs=epochs))
    cache = FeatureCache(dataset.features_folder, dataset.sha256())
    with tempfile.TemporaryDirectory() as work:
        train_by(recipe, backbone, photos, seed=0, cache=cache, work=Path(work))

    def seen(rows: NDArray[np.int64]) -> Seen:
        if recipe.schedule:
            return look_at(backbone, photos.photos_NSSC, rows)
        assert backbone.network.head is not None
        features_ND = np.asarray(
            cache.features(load_backbone(BUNDLED, 0, size_px=backbone.size_px), photos.photos_NSSC)
        )
        features_ND = features_ND[rows]
        with torch.inference_mode():
            logits_NC = backbone.network.head(torch.from_numpy(features_ND)).numpy()
        return Seen(logits_NC, features_ND / np.linalg.norm(features_ND, axis=1, keepdims=True))

    known, unknown = photos.validation_rows, held_out[~is_kept_N[held_out]]
    return (
        (seen(known), photos.labels_N[known]),
        seen(unknown),
        seen(photos.train_rows),
        photos.labels_N[photos.train_rows],
    )


def other_data(store: Store, other: Store) -> dict[str, tuple[float, float]]:
    """The exported model of one store on photos of another."""
    encoder = open_encoder(store, load_settings())
    mine, theirs = Dataset(store.current("datasets")), Dataset(other.current("datasets"))

    def seen(dataset: Dataset, rows: NDArray[np.int64]) -> Seen:
        parts = [encoder.encode(np.asarray(dataset.photos()[rows[at : at + 64]])) for at in range(0, len(rows), 64)]
        return Seen(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("logits_NC", "embedding_ND"))
        )

    known, learnt, label_N = mine.rows("validation"), mine.rows("train"), mine.class_indices()
    unknown = seen(theirs, theirs.rows("validation"))
    return compared(seen(mine, known), unknown, seen(mine, learnt), label_N[learnt], label_N[known])


def compared(
    known: Seen, unknown: Seen, learnt: Seen, labels_T: NDArray[np.int64], labels_N: NDArray[np.int64]
) -> dict[str, tuple[float, float]]:
    """AUROC and false positive rate of every score."""
    temperature = fit_temperature(known.logits_NC, labels_N)
    means_CD = class_means(learnt.embedding_ND, labels_T, known.logits_NC.shape[1])
    familiarity = Familiarity(means_CD, temperature, known)
    mine, theirs = (dict(scores_of(each, learnt, means_CD.numpy(), temperature)) for each in (known, unknown))
    for scores, seen in ((mine, known), (theirs, unknown)):
        scores["familiarity: log-odds and cosine to class"] = familiarity.of(seen)
    found = {name: rejection_scores(mine[name], theirs[name]) for name in mine}
    return {name: (round(each.auroc, 4), round(each.fpr_at_95_tpr, 4)) for name, each in found.items()}


def scores_of(
    seen: Seen, learnt: Seen, means_CD: NDArray[np.float32], temperature: float
) -> Mapping[str, NDArray[np.floating]]:
    """How familiar each photo seems, by every score."""
    nearest_N = np.sort(seen.embedding_ND @ learnt.embedding_ND.T, axis=1)
    to_mean_N = (seen.embedding_ND @ means_CD.T).max(1)
    energy_N = temperature * logsumexp(seen.logits_NC / temperature, axis=1)
    return {
        "largest probability": softmax(seen.logits_NC, temperature).max(1),
        "largest logit": seen.logits_NC.max(1),
        ENERGY: energy_N,
        "cosine to the nearest class": to_mean_N,
        "cosine to the nearest photo": nearest_N[:, -1],
        "cosine to the 5th nearest photo": nearest_N[:, -5],
        "logit times cosine to class": np.maximum(seen.logits_NC.max(1), 0) * np.maximum(to_mean_N, 0),
    }


if __name__ == "__main__":
    main()
