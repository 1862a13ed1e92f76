"""What `quick`, `balanced` and `best` do with a backbone."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from snapshelf.training.augment import Augment
from snapshelf.training.backbones import Backbone
from snapshelf.training.features import FeatureCache
from snapshelf.training.head import Labelled, fit_head, fit_linear
from snapshelf.training.inference import predict
from snapshelf.training.loop import Photos, train_network
from snapshelf.training.schedule import Schedule

RecipeName = Literal["quick", "balanced", "best"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The steps: a head on the frozen backbone, then the whole network; either may be left out."""

    name: RecipeName
    head_first: bool
    schedule: Schedule | None


@dataclass(frozen=True, slots=True)
class Trained:
    """What a recipe came to. The backbone's network holds the weights."""

    validation_logits_NC: NDArray[np.float32]
    seconds: float
    counted: dict[str, float]
    """`epochs`, `head_strength`: what the recipe has to count."""
    history: list[dict[str, float]]
    """Of each epoch in which the whole network was trained: what `train_network` tells of it."""


SEED_CNN = Schedule(
    epochs=5, batch_size=32, learning_rate=1e-3, one_cycle=False, optimizer="adam", label_smoothing=0.0,
    mixed_precision=False,
)  # fmt: skip
"""As Keras trains it; in float32, which is quicker for a network this small."""

COMPACT = Schedule(epochs=5, batch_size=128, learning_rate=8e-3)
"""Chosen on Fashion-MNIST's validation split, for the time it takes; bench/bench_train.py measures it."""

_FROM_SCRATCH = Schedule(epochs=10, batch_size=64, learning_rate=2e-3, augment=Augment(flip=True, min_area=0.5))
_FINE_TUNE = Schedule(
    epochs=10, batch_size=32, learning_rate=5e-4, frozen_norms=True, label_smoothing=0.1, average_epochs=1.0,
    sizes=(0.56, 0.78), augment=Augment(flip=True, min_area=0.3, trivial=True),
)  # fmt: skip
"""Head first, then the whole network (LP-FT, Kumar et al. 2022). Chosen on the validation photos of two data sets:
docs/decisions/0013-recipes.md."""

_FIRST_HEAD_STRENGTH = 0.3
"""How strongly the head is regularised that the whole network begins with. A weaker one is right more often at once,
but leans on directions in which the frozen features hardly vary, and the network that grows from it is at a loss with
photos of another size: 0.45 on grocery at 288 px after training at 192 px, against 0.75."""

_LONGER = {"quick": 1, "balanced": 2, "best": 5}
"""How many times the epochs of a network's shortest schedule."""


def recipe_for(name: RecipeName, backbone: Backbone) -> Recipe:
    """The steps for this backbone.

    A pretrained one gets a head first, and with `quick` nothing more. One with random weights has nothing to freeze:
    it is trained whole, longer with each recipe.
    """
    if backbone.pretrained:
        epochs = {"quick": 0, "balanced": _FINE_TUNE.epochs, "best": 3 * _FINE_TUNE.epochs}[name]
        whole = replace(_FINE_TUNE, epochs=epochs) if epochs else None
        return Recipe(name, head_first=True, schedule=whole)
    shortest = {"seed-cnn": SEED_CNN, "compact": COMPACT}.get(backbone.name, _FROM_SCRATCH)
    return Recipe(name, head_first=False, schedule=replace(shortest, epochs=shortest.epochs * _LONGER[name]))


def train_by(
    recipe: Recipe, backbone: Backbone, photos: Photos, *, seed: int, cache: FeatureCache, work: Path
) -> Trained:
    """Do the steps.

    Args:
        recipe: from `recipe_for`.
        backbone: trained in place.
        photos: what it learns from.
        seed: where every random choice starts.
        cache: where the features of frozen backbones are kept.
        work: the folder in which a run that is killed is taken up again.

    Raises:
        TrainingDivergedError: the loss is no longer a number.
    """
    started = time.perf_counter()
    counted: dict[str, float] = {}
    logits_NC: NDArray[np.float32] | None = None
    if recipe.head_first:
        logits_NC, counted["head_strength"] = _train_head(backbone, photos, cache, first_of_two=bool(recipe.schedule))
    history: list[dict[str, float]] = []
    if recipe.schedule:
        history = train_network(backbone, photos, recipe.schedule, seed=seed, work=work)
        counted["epochs"] = len(history)
        logits_NC = None
    if logits_NC is None:
        logits_NC = predict(backbone, photos.photos_NSSC, photos.validation_rows)
    return Trained(logits_NC, time.perf_counter() - started, counted, history)


def _train_head(
    backbone: Backbone, photos: Photos, cache: FeatureCache, *, first_of_two: bool
) -> tuple[NDArray[np.float32], float]:
    """Fit the head on features of the unchanged photos; mirrored ones beside them bring nothing (measured)."""
    features_ND = cache.features(backbone, photos.photos_NSSC)
    train_ND, validation_ND = features_ND[photos.train_rows], features_ND[photos.validation_rows]
    train = Labelled(train_ND, photos.labels_N[photos.train_rows])
    validation = Labelled(validation_ND, photos.labels_N[photos.validation_rows])
    num_classes = backbone.network.num_classes
    if first_of_two:
        head = fit_linear(train, num_classes, _FIRST_HEAD_STRENGTH)
    else:
        head = fit_head(train, validation, num_classes)
    backbone.network.set_head(head.weight_CD, head.bias_C)
    logits_NC: NDArray[np.float32] = validation_ND @ head.weight_CD.numpy().T + head.bias_C.numpy()
    return logits_NC, head.strength
