"""`snapshelf train`: a prepared data set → a model that is checked and in use.

Shapes: N photos, C classes.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from snapshelf.artifacts.cards import ADDED, ModelCard, Verdicts
from snapshelf.artifacts.publish import sha256_file, write_atomic
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.data.supercategories import supercategories_of
from snapshelf.errors import ConfigError, StoreError
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.pipelines.model_details import details_of, measured
from snapshelf.pipelines.publish_model import TrainResult, publish
from snapshelf.pipelines.usual_photos import baseline_of_rows
from snapshelf.progress import console
from snapshelf.settings import load_settings
from snapshelf.training.backbones import AUTO, BUNDLED, OWN, Backbone, backbone_for, load_backbone
from snapshelf.training.device import reuse_freed_memory
from snapshelf.training.export import export_checked
from snapshelf.training.familiarity import spread
from snapshelf.training.features import FeatureCache
from snapshelf.training.loop import Photos
from snapshelf.training.model_folder import CHECKPOINT, ONNX
from snapshelf.training.processes import (
    is_first,
    joined_processes,
    num_processes,
    num_processes_here,
    said_by_first,
)
from snapshelf.training.recipes import Recipe, RecipeName, Trained, recipe_for, train_by
from snapshelf.training.time_budget import parse_duration, plan_within

_NUM_CHECKED = 64
"""Photos on which the exported model is compared with the trained network."""

_OF_NEIGHBOURS = Verdicts(confident=0.9, likely=0.6)
"""Where the nearest products vote, because the model knows no categories: shares of votes, which promise nothing."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What a trained model is from."""

    dataset: Dataset
    config: dict[str, Any]
    photos: Photos
    supercategories: list[str]
    """Of each category; empty where the store does not say."""


@joined_processes()
def train(  # noqa: PLR0913 (the options of one command)
    store: Store,
    *,
    recipe: RecipeName | None = None,
    backbone: str | None = None,
    start: str | None = None,
    weights: str = "auto",
    seed: int | None = None,
    time_budget: str | None = None,
    resume: bool = True,
) -> TrainResult:
    """Train on the data set in use, check the exported model, publish it and put it in use.

    What is None is as `snapshelf.toml` says. With `start`, the id of a model or `current`, its network and weights are
    where the training begins, with a new head. A run that was killed goes on, by the same call, after its last epoch;
    without `resume` it begins anew. With a `time_budget`, such as `10m`, the training is as long as fits into it, up to
    the length of `best`; called again after a kill, the clock starts anew.

    Where `torchrun` started several processes, they train the network together and end with what one alone would have
    found. The first of them writes the model.

    Raises:
        ArtifactMissingError: nothing was prepared.
        StoreError: the data set lacks photos to learn from, or to choose and calibrate by.
        SourceError: the table of supercategories that snapshelf.toml names cannot be used.
        ConfigError: an unknown backbone, one that does not suit the photos' size, weights that do not fit, a time
            that is none, or a recipe beside it.
        TrainingDivergedError: the loss is no longer a number.
        ExportCheckError: the exported model answers otherwise; nothing was published.
    """
    started_s = time.monotonic()
    budget_s = _budget_s(time_budget, recipe)
    chosen = store.config().train
    dataset = Dataset(store.current("datasets"))
    photos = _photos(dataset)
    above = supercategories_of(dataset.labels, store.config().supercategories, store.root)
    seed = chosen.seed if seed is None else seed
    _begin(seed)
    size_px = dataset.card.preprocess.size_px
    if start:
        backbone, weights = _network_of(store, start, backbone, weights)
    name = backbone or chosen.backbone
    if name == AUTO:  # in a given time, the network that is quick to learn
        name = backbone_for(size_px, "quick" if budget_s else recipe or chosen.recipe)
    learner = load_backbone(name, len(dataset.labels), size_px=size_px, weights=weights)
    steps = recipe_for("best" if budget_s else recipe or chosen.recipe, learner)
    console.print(
        f"Training {learner.name} ({time_budget or steps.name}) on {len(photos.train_rows):,} photos of "
        f"{len(dataset.labels)} categories; it starts from {learner.weights}.",
        markup=False,
    )
    config = _config(dataset, learner, steps, seed)
    key = hashlib.sha256(repr((config, time_budget)).encode()).hexdigest()[:12]
    work = store.folder("models", f".training-{key}")
    if not resume and is_first():
        shutil.rmtree(work, ignore_errors=True)
    deadline_s = math.inf
    if budget_s:
        steps, deadline_s = _fitted(steps, learner, photos, work, budget_s=budget_s, started_s=started_s)
        config = _config(dataset, learner, steps, seed)
    if not steps.schedule and num_processes() > 1:
        raise ConfigError(
            "A head alone is fitted by one process; torchrun brings nothing there. Run snapshelf train by itself, or "
            "train the whole network: --recipe balanced"
        )
    cache = FeatureCache(dataset.features_folder, dataset.sha256())
    trained = train_by(steps, learner, photos, seed=seed, cache=cache, work=work, deadline_s=deadline_s)
    source = _Source(dataset, config, photos, above)
    result = _finish(store, learner, steps, trained, source, work) if is_first() else None
    return cast("TrainResult", said_by_first(result))


def publish_pretrained(store: Store, backbone: str, weights: str = "auto") -> ModelCard:
    """Put a pretrained backbone in use as a model that knows no categories, so that products can be indexed.

    Raises:
        ConfigError: the backbone is unknown, its weights cannot be had, or it has none.
        ExportCheckError: the exported model answers otherwise; nothing was published.
    """
    if backbone == AUTO:
        backbone = BUNDLED
    if backbone in OWN and weights in ("auto", "none"):
        raise ConfigError(
            f"{backbone} has no pretrained weights, so it cannot tell photos apart before it is trained. "
            f"Run: snapshelf train --store {store.root}, or choose --backbone tf_efficientnet_lite0"
        )
    _begin(seed=0)
    learner = load_backbone(backbone, 0, weights=weights)
    console.print(f"Publishing {learner.name} as it is; its weights: {learner.weights}.", markup=False)
    details: dict[str, Any] = {
        "recipe": "pretrained", "dataset_id": None, "seed": 0, "labels": [],
        "preprocess": Preprocess(size_px=learner.size_px, fit=store.config().prepare.fit),
        "verdicts": _OF_NEIGHBOURS,
    }  # fmt: skip
    shape = (4, learner.size_px, learner.size_px, 3)
    noise_NSSC = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    work = store.folder("models", f".publishing-{learner.name}")
    details["export_max_probability_difference"] = export_checked(learner, work / ONNX, noise_NSSC)
    config = {"backbone": learner.name, "weights": learner.weights}
    return publish(store, learner, details, config=config, work=work).card


def _network_of(store: Store, start: str, backbone: str | None, weights: str) -> tuple[str, str]:
    """The network of a model of the store, and the file of its weights."""
    if backbone or weights != "auto":
        raise ConfigError(
            f"--from {start} takes network and weights of that model; leave out --backbone and --weights."
        )
    folder = store.current("models") if start == "current" else store.existing("models", start)
    card = ModelCard.read(folder)
    if card.recipe == ADDED:
        raise ConfigError(
            f"--from {start}: {card.id} was trained elsewhere, and what came of it cannot be trained on. Train it "
            "there, and add it again: snapshelf models add"
        )
    return card.backbone, str(folder / CHECKPOINT)


def _budget_s(time_budget: str | None, recipe: RecipeName | None) -> float | None:
    if time_budget and recipe:
        raise ConfigError(
            f"--time-budget {time_budget} and --recipe {recipe}: a time says how long to train, and so does a recipe. "
            "Give one of them."
        )
    return parse_duration(time_budget) if time_budget else None


def _fitted(
    longest: Recipe, backbone: Backbone, photos: Photos, work: Path, *, budget_s: float, started_s: float
) -> tuple[Recipe, float]:
    """The recipe that fits into the time, and when it has to end. A run that was killed keeps to its first plan."""
    plan = plan_within(budget_s, started_s, backbone, photos, longest)
    kept = work / "plan.json"
    epochs = said_by_first(json.loads(kept.read_text("utf-8"))["epochs"] if kept.exists() else plan.epochs)
    if is_first():
        write_atomic(kept, json.dumps({"epochs": epochs}))
    if not epochs:
        console.print("That is time for the head alone; the rest of the network stays as it is.")
        return recipe_for("quick", backbone), plan.deadline_s
    console.print(
        f"That is time for {epochs} epochs of the whole network, at {plan.photos_per_s:,.0f} photos a second."
    )
    return longest.with_epochs(epochs), plan.deadline_s


def _begin(seed: int) -> None:
    reuse_freed_memory()
    torch.manual_seed(seed)
    torch.set_num_threads(max(1, load_settings().num_threads // num_processes_here()))


def _photos(dataset: Dataset) -> Photos:
    for split in ("train", "validation"):
        if not len(dataset.rows(split)):
            raise StoreError(
                f"The data set {dataset.id} has no {split} photos; a model learns from train and is chosen and "
                "calibrated by validation. Prepare photos without splits of their own, or with both: "
                "snapshelf prepare SOURCE --store DIR"
            )
    return Photos(dataset.photos(), dataset.class_indices(), dataset.rows("train"), dataset.rows("validation"))


def _config(dataset: Dataset, backbone: Backbone, recipe: Recipe, seed: int) -> dict[str, Any]:
    """All that the trained weights depend on."""
    return {
        "dataset_id": dataset.id,
        "manifest_sha256": dataset.card.manifest_sha256,
        "backbone": backbone.name,
        "weights": backbone.weights,
        "recipe": recipe.name,
        "seed": seed,
        "both_sides": recipe.both_sides,
        "schedule": asdict(recipe.schedule) if recipe.schedule else None,
    }


def _finish(
    store: Store, backbone: Backbone, recipe: Recipe, trained: Trained, source: _Source, work: Path
) -> TrainResult:
    """Measure what the model's card tells, publish and say so."""
    photos = source.photos
    labels_N = photos.labels_N[photos.validation_rows]
    found = measured(trained.validation, trained.class_means_CD, trained.projection, labels_N)
    details = details_of(source.dataset, source.dataset.labels, found, labels_N, store.config().verdict)
    details |= {
        "recipe": recipe.name, "seed": source.config["seed"], "supercategories": source.supercategories,
        "training": {"seconds": round(trained.seconds, 1), "num_photos": len(photos.train_rows), **trained.counted},
    }  # fmt: skip
    checked_NSSC = photos.photos_NSSC[spread(photos.validation_rows, _NUM_CHECKED)]
    difference = export_checked(backbone, work / ONNX, checked_NSSC, found.readout)
    details["export_max_probability_difference"] = difference
    baseline_of_rows(
        source.dataset, photos.validation_rows, found.encoding, found.temperature, sha256_file(work / ONNX)
    ).write(work)
    result = publish(
        store, backbone, details,
        config=source.config, work=work, photos=photos, history=trained.history,
    )  # fmt: skip
    _say(result)
    return result


def _say(result: TrainResult) -> None:
    card = result.card
    console.print(
        f"Model {result.model_id}: validation accuracy {card.validation['accuracy']:.4f}, macro F1 "
        f"{card.validation['macro_f1']:.4f} on {card.validation['num_photos']:,.0f} photos, trained in "
        f"{card.training['seconds']:.0f} s.\nIt is in use and lies in {result.folder}",
        markup=False,
    )
