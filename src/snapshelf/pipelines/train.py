"""`snapshelf train`: a prepared data set → a model that is checked and in use.

Shapes: N photos, C classes.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from snapshelf.artifacts.cards import Looks, ModelCard, Verdicts
from snapshelf.artifacts.publish import published_folder, sha256_file
from snapshelf.artifacts.store import Store
from snapshelf.config import VerdictConfig
from snapshelf.data.dataset import Dataset
from snapshelf.errors import ConfigError, StoreError
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.metrics.calibration import fit_temperature, softmax
from snapshelf.metrics.classification import classification_scores
from snapshelf.metrics.similarity import typical_similarities
from snapshelf.metrics.verdicts import verdict_thresholds
from snapshelf.progress import console
from snapshelf.settings import load_settings
from snapshelf.training.backbones import OWN, Backbone, load_backbone
from snapshelf.training.device import reuse_freed_memory
from snapshelf.training.export import check_export, export_onnx
from snapshelf.training.features import FeatureCache
from snapshelf.training.inference import embed
from snapshelf.training.loop import Photos
from snapshelf.training.model_folder import ONNX, write_checkpoint, write_config, write_history, write_samples
from snapshelf.training.recipes import Recipe, RecipeName, Trained, recipe_for, train_by

_NUM_CHECKED = 64
"""Photos on which the exported model is compared with the trained network."""

_OF_NEIGHBOURS = Verdicts(confident=0.9, likely=0.6)
"""Where the nearest products vote, because the model knows no categories: shares of votes, which promise nothing."""

_NUM_COMPARED = 1000
"""Photos that are compared with one another, to learn what near and far mean."""


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What was made: the model's id, its folder and its card."""

    model_id: str
    folder: Path
    card: ModelCard


@dataclass(frozen=True, slots=True)
class _Source:
    """What a trained model is from."""

    dataset: Dataset
    config: dict[str, Any]
    history: list[dict[str, float]]


def train(
    store: Store,
    *,
    recipe: RecipeName | None = None,
    backbone: str | None = None,
    weights: str = "auto",
    seed: int | None = None,
    resume: bool = True,
) -> TrainResult:
    """Train on the data set in use, check the exported model, publish it and put it in use.

    What is None is as `snapshelf.toml` says. A run that was killed goes on, by the same call, after its last epoch;
    without `resume` it begins anew.

    Raises:
        ArtifactMissingError: nothing was prepared.
        StoreError: the data set lacks photos to learn from, or to choose and calibrate by.
        ConfigError: an unknown backbone, one that does not suit the photos' size, or weights that do not fit.
        TrainingDivergedError: the loss is no longer a number.
        ExportCheckError: the exported model answers otherwise; nothing was published.
    """
    chosen = store.config().train
    dataset = Dataset(store.current("datasets"))
    photos = _photos(dataset)
    seed = chosen.seed if seed is None else seed
    _begin(seed)
    size_px = dataset.card.preprocess.size_px
    learner = load_backbone(backbone or chosen.backbone, len(dataset.labels), size_px=size_px, weights=weights)
    steps = recipe_for(recipe or chosen.recipe, learner)
    console.print(
        f"Training {learner.name} ({steps.name}) on {len(photos.train_rows):,} photos of {len(dataset.labels)} "
        f"categories; it starts from {learner.weights}.",
        markup=False,
    )
    config = _config(dataset, learner, steps, seed)
    work = store.folder("models", f".training-{hashlib.sha256(repr(config).encode()).hexdigest()[:12]}")
    if not resume:
        shutil.rmtree(work, ignore_errors=True)
    trained = train_by(
        steps, learner, photos, seed=seed, cache=FeatureCache(dataset.features_folder, dataset.sha256()), work=work
    )
    checked_NSSC = photos.photos_NSSC[_spread(photos.validation_rows, _NUM_CHECKED)]
    details = _details(store, dataset, photos, steps, trained, seed)
    details["looks"] = _looks(learner, photos)
    source = _Source(dataset, config, trained.history)
    result = _publish(store, learner, details, checked_NSSC, source=source, work=work)
    _say(result)
    return result


def publish_pretrained(store: Store, backbone: str, weights: str = "auto") -> ModelCard:
    """Put a pretrained backbone in use as a model that knows no categories, so that products can be indexed.

    Raises:
        ConfigError: the backbone is unknown, its weights cannot be had, or it has none.
        ExportCheckError: the exported model answers otherwise; nothing was published.
    """
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
    return _publish(store, learner, details, noise_NSSC, source=None, work=work).card


def _begin(seed: int) -> None:
    reuse_freed_memory()
    torch.manual_seed(seed)
    torch.set_num_threads(load_settings().num_threads)


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
        "head_first": recipe.head_first,
        "seed": seed,
        "schedule": asdict(recipe.schedule) if recipe.schedule else None,
    }


def _details(
    store: Store, dataset: Dataset, photos: Photos, recipe: Recipe, trained: Trained, seed: int
) -> dict[str, Any]:
    """What the card says of the training."""
    logits_NC, labels_N = trained.validation_logits_NC, photos.labels_N[photos.validation_rows]
    temperature = fit_temperature(logits_NC, labels_N)
    probabilities_NC = softmax(logits_NC, temperature)
    scores = classification_scores(labels_N, probabilities_NC, dataset.labels)
    return {
        "recipe": recipe.name,
        "dataset_id": dataset.id,
        "seed": seed,
        "labels": dataset.labels,
        "preprocess": dataset.card.preprocess,
        "temperature": temperature,
        "verdicts": _verdicts(store.config().verdict, labels_N, probabilities_NC, _lowest_known(logits_NC, labels_N)),
        "validation": {
            "accuracy": scores.accuracy, "macro_f1": scores.macro_f1, "ece": scores.ece,
            "num_photos": scores.num_photos,
        },
        "training": {"seconds": round(trained.seconds, 1), "num_photos": len(photos.train_rows), **trained.counted},
    }  # fmt: skip


def _verdicts(
    promised: VerdictConfig,
    labels_N: NDArray[np.int64],
    probabilities_NC: NDArray[np.float64],
    unknown_below_logit: float | None,
) -> Verdicts:
    confident, likely = verdict_thresholds(labels_N, probabilities_NC, promised.confident, promised.likely)
    return Verdicts(
        confident=confident,
        likely=likely,
        promised={"confident": promised.confident, "likely": promised.likely},
        unknown_below_logit=unknown_below_logit,
    )


def _lowest_known(logits_NC: NDArray[np.float32], labels_N: NDArray[np.int64]) -> float | None:
    """Below which largest logit a photo is taken to show nothing known: only 1 in 100 rightly classified ones is."""
    right_NC = logits_NC[logits_NC.argmax(axis=1) == labels_N]
    return float(np.percentile(right_NC.max(axis=1), 1)) if len(right_NC) else None


def _looks(backbone: Backbone, photos: Photos) -> Looks:
    """What near and far mean for this model, measured on validation photos."""
    rows = _spread(photos.validation_rows, _NUM_COMPARED)
    typical = typical_similarities(embed(backbone, photos.photos_NSSC, rows), photos.labels_N[rows])
    if typical is None:
        return Looks()
    return Looks(very_similar=typical.nearest, similar=typical.same, somewhat_similar=typical.other)


def _spread(rows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """So many of the rows, from the first to the last; all where there are not as many."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, number).astype(np.int64))]


def _publish(
    store: Store,
    backbone: Backbone,
    details: dict[str, Any],
    checked_NSSC: NDArray[np.uint8],
    *,
    source: _Source | None,
    work: Path,
) -> TrainResult:
    """Export, check, write the folder and put it in use; `work` is removed when all that is done."""
    work.mkdir(parents=True, exist_ok=True)
    export_onnx(backbone, work / ONNX)
    difference = check_export(backbone, work / ONNX, checked_NSSC)
    onnx_sha256 = sha256_file(work / ONNX)
    model_id = f"{backbone.name}-{details['recipe']}-{onnx_sha256[:8]}"
    card = ModelCard(
        id=model_id, backbone=backbone.name, weights=backbone.weights, mean=backbone.mean, std=backbone.std,
        embedding_dim=backbone.network.embedding_dim, onnx_sha256=onnx_sha256,
        export_max_probability_difference=difference, **details,
    )  # fmt: skip
    final = store.folder("models", model_id)
    with published_folder(final) as folder:
        shutil.copyfile(work / ONNX, folder / ONNX)
        write_checkpoint(backbone.network, folder)
        write_config(source.config if source else {"backbone": backbone.name, "weights": backbone.weights}, folder)
        if source:
            write_samples(source.dataset, folder)
            write_history(source.history, folder)
        card.write(folder)
    store.use("models", model_id)
    shutil.rmtree(work, ignore_errors=True)
    return TrainResult(model_id, final, card)


def _say(result: TrainResult) -> None:
    card = result.card
    console.print(
        f"Model {result.model_id}: validation accuracy {card.validation['accuracy']:.4f}, macro F1 "
        f"{card.validation['macro_f1']:.4f} on {card.validation['num_photos']:,.0f} photos, trained in "
        f"{card.training['seconds']:.0f} s.\nIt is in use and lies in {result.folder}",
        markup=False,
    )
