"""What `quick`, `balanced` and `best` do with a backbone."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from snapshelf.training.augment import Augment
from snapshelf.training.backbones import Backbone
from snapshelf.training.familiarity import class_means, some_of_each_class
from snapshelf.training.features import FeatureCache
from snapshelf.training.head import Labelled, fit_head
from snapshelf.training.inference import Seen, look_at
from snapshelf.training.loop import Photos, train_network
from snapshelf.training.projection import Projection, fit_projection
from snapshelf.training.schedule import Schedule

RecipeName = Literal["quick", "balanced", "best"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is done."""

    name: RecipeName | Literal["timed"]
    schedule: Schedule | None
    """Of the whole network; None where it stays as it is and gets a head."""
    both_sides: bool = False
    """Whether every answer is to be the mean of those for a photo and for its mirror image; twice the work."""

    def with_epochs(self, epochs: int) -> Recipe:
        """The same, so many epochs long; `timed` unless it was so long already."""
        if self.schedule is None or self.schedule.epochs == epochs:
            return self
        return replace(self, name="timed", schedule=replace(self.schedule, epochs=epochs))


@dataclass(frozen=True, slots=True)
class Trained:
    """What a recipe came to. The backbone's network holds the weights."""

    validation: Seen
    """What the network says of the validation photos."""
    class_means_CD: Tensor
    """The mean embedding of each class over photos that it learnt from: `class_means`."""
    projection: Projection | None
    """What makes the network's embeddings shorter; None where they stay as they are."""
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

COMPACT = Schedule(
    epochs=4, batch_size=128, optimizer="muon", learning_rate=1e-2, warm_up=0.15, weight_decay=0.2, label_smoothing=0.1,
)  # fmt: skip
"""Chosen on Fashion-MNIST's validation split, for the time it takes (decision 14); bench/bench_train.py measures it."""

MINI_RESNET = Schedule(
    epochs=8, batch_size=256, optimizer="sgd", learning_rate=0.2, weight_decay=5e-4, label_smoothing=0.1,
    average_epochs=1.0,
    augment=Augment(flip=True, shift_px=2, erase=0.5, cutmix=0.5),
)  # fmt: skip

_FROM_SCRATCH = Schedule(epochs=10, batch_size=64, learning_rate=2e-3, augment=Augment(flip=True, min_area=0.5))
_FINE_TUNE = Schedule(
    epochs=12, batch_size=32, learning_rate=1e-3, frozen_norms=True, label_smoothing=0.1, average_epochs=1.0,
    sizes=(0.56, 0.89), augment=Augment(flip=True, min_area=0.3, trivial=True),
)  # fmt: skip
"""Chosen on the validation photos of two data sets: docs/decisions/0013-recipes.md. Photos of 288 px are learnt from at
160 px at first and at 256 px at last."""

_RATE_WITHOUT_NORMS = 1e-4
"""For networks without batch norm, which lose what they know at higher rates: VGG, ConvNeXt, transformers."""

_LONGER = {"quick": 1, "balanced": 2, "best": 5}
"""How many times the epochs of a network's shortest schedule."""


def recipe_for(name: RecipeName, backbone: Backbone) -> Recipe:
    """What to do with this backbone.

    A pretrained one stays as it is and gets a head with `quick`; with the others all of it is trained, from a head that
    says nothing yet. One with random weights is trained whole in any case, longer with each recipe.
    """
    if backbone.pretrained:
        if name == "quick":
            return Recipe(name, None)
        schedule = _fine_tune(backbone)
        epochs = {"balanced": 1, "best": 3}[name] * schedule.epochs
        schedule = replace(schedule, epochs=epochs, patience=epochs // 2)
        return Recipe(name, schedule, both_sides=name == "best")
    shortest = {"seed-cnn": SEED_CNN, "compact": COMPACT, "mini-resnet": MINI_RESNET}.get(backbone.name, _FROM_SCRATCH)
    schedule = replace(shortest, epochs=shortest.epochs * _LONGER[name])
    return Recipe(name, schedule, both_sides=name == "best" and schedule.augment.flip)


def _fine_tune(backbone: Backbone) -> Schedule:
    """As chosen for the default backbone, but for what another one cannot bear."""
    schedule = _FINE_TUNE
    if backbone.fixed_size:
        schedule = replace(schedule, sizes=(1.0, 1.0))
    if not any(isinstance(layer, nn.BatchNorm2d) for layer in backbone.network.modules()):
        schedule = replace(schedule, learning_rate=_RATE_WITHOUT_NORMS)
    return schedule


def train_by(
    recipe: Recipe,
    backbone: Backbone,
    photos: Photos,
    *,
    seed: int,
    cache: FeatureCache,
    work: Path,
    deadline_s: float = math.inf,
) -> Trained:
    """Do what the recipe says.

    Args:
        recipe: from `recipe_for`.
        backbone: trained in place.
        photos: what it learns from.
        seed: where every random choice starts.
        cache: where the features of frozen backbones are kept.
        work: the folder in which a run that is killed is taken up again.
        deadline_s: when the training has to end, on the clock of `time.monotonic`.

    Raises:
        TrainingDivergedError: the loss is no longer a number.
    """
    started = time.perf_counter()
    if recipe.schedule is None:
        validation, learnt_ND, strength = _fit_head(backbone, photos, cache)
        history, counted, rows = [], {"head_strength": strength}, photos.train_rows
    else:
        backbone.network.both_sides = recipe.both_sides
        if backbone.pretrained:
            _empty_head(backbone)
        history = train_network(backbone, photos, recipe.schedule, seed=seed, work=work, deadline_s=deadline_s)
        validation, counted = look_at(backbone, photos.photos_NSSC, photos.validation_rows), {"epochs": len(history)}
        rows = some_of_each_class(photos.train_rows, photos.labels_N)
        learnt_ND = look_at(backbone, photos.photos_NSSC, rows).embedding_ND
    means_CD = class_means(learnt_ND, photos.labels_N[rows], backbone.network.num_classes)
    projection = fit_projection(torch.from_numpy(learnt_ND))
    return Trained(validation, means_CD, projection, time.perf_counter() - started, counted, history)


def _fit_head(backbone: Backbone, photos: Photos, cache: FeatureCache) -> tuple[Seen, NDArray[np.float32], float]:
    """Fit the head on features of the unchanged photos; mirrored ones beside them bring nothing (measured).

    Returns what the network then says of the validation photos, the embeddings of those learnt from, and the head's
    strength.
    """
    features_ND = cache.features(backbone, photos.photos_NSSC)
    train_ND, validation_ND = features_ND[photos.train_rows], features_ND[photos.validation_rows]
    train = Labelled(train_ND, photos.labels_N[photos.train_rows])
    validation = Labelled(validation_ND, photos.labels_N[photos.validation_rows])
    head = fit_head(train, validation, backbone.network.num_classes)
    backbone.network.set_head(head.weight_CD, head.bias_C)
    logits_NC: NDArray[np.float32] = validation_ND @ head.weight_CD.numpy().T + head.bias_C.numpy()
    return Seen(logits_NC, _unit(validation_ND)), _unit(train_ND), head.strength


def _unit(features_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    """The embeddings that belong to features: of length 1."""
    unit_ND: NDArray[np.float32] = functional.normalize(torch.from_numpy(features_ND), dim=1).numpy()
    return unit_ND


def _empty_head(backbone: Backbone) -> None:
    """A head that says nothing yet.

    One that is fitted first, as for LP-FT (Kumar et al. 2022), leans on directions in which frozen features hardly
    vary; what grows from it is right less often, and at a loss with photos of another size (decision 13).
    """
    network = backbone.network
    network.set_head(torch.zeros(network.num_classes, network.embedding_dim), torch.zeros(network.num_classes))
