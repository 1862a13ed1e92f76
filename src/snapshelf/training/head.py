"""A linear classifier on frozen features: softmax regression, fitted to its one minimum.

Shapes: N photos, D numbers a feature, C classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

STRENGTHS = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Tried from the strongest regularisation to the weakest, each starting where the one before ended."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Features (N, D) with the index of each one's class, (N,)."""

    features_ND: NDArray[np.float32]
    labels_N: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LinearHead:
    """A fitted classifier: logits are features · weight + bias."""

    weight_CD: Tensor
    bias_C: Tensor
    strength: float
    """The regularisation that was chosen."""


def fit_head(train: Labelled, validation: Labelled, num_classes: int) -> LinearHead:
    """The classifier, over `STRENGTHS`, that is right on most validation photos; on a draw the one with less log-loss.

    Features are standardised for the fit (the penalty on the weights then treats all of them alike), and that is folded
    into the weights afterwards.
    """
    held_out_ND, held_out_labels_N = torch.from_numpy(validation.features_ND), torch.from_numpy(validation.labels_N)
    found: list[tuple[tuple[float, float], LinearHead]] = []
    for head in _path(train, num_classes, STRENGTHS):
        logits_NC = functional.linear(held_out_ND, head.weight_CD, head.bias_C)
        accuracy = float((logits_NC.argmax(1) == held_out_labels_N).float().mean())
        found.append(((accuracy, -float(functional.cross_entropy(logits_NC, held_out_labels_N))), head))
    return max(found, key=lambda entry: entry[0])[1]


def fit_linear(train: Labelled, num_classes: int, strength: float) -> LinearHead:
    """The classifier of one strength, from standardised features as in `fit_head`."""
    (head,) = _path(train, num_classes, (strength,))
    return head


def _path(train: Labelled, num_classes: int, strengths: Sequence[float]) -> Iterator[LinearHead]:
    """The classifiers of several strengths, each found from where the one before is."""
    raw_ND = torch.from_numpy(train.features_ND)
    mean_D, std_D = raw_ND.mean(0), raw_ND.std(0).clamp_min(1e-6)
    features_ND, labels_N = (raw_ND - mean_D) / std_D, torch.from_numpy(train.labels_N)
    weight_CD, bias_C = torch.zeros(num_classes, raw_ND.shape[1]), torch.zeros(num_classes)
    for strength in strengths:
        _minimise(features_ND, labels_N, weight_CD, bias_C, strength)
        unscaled_CD = weight_CD / std_D
        yield LinearHead(unscaled_CD, bias_C - unscaled_CD @ mean_D, strength)


def _minimise(features_ND: Tensor, labels_N: Tensor, weight_CD: Tensor, bias_C: Tensor, strength: float) -> None:
    """Minimise log-loss + strength / 2 · |weight|² in place, from where weight and bias are."""
    parameters = [weight_CD.requires_grad_(), bias_C.requires_grad_()]
    solver = torch.optim.LBFGS(parameters, max_iter=50, tolerance_grad=1e-5, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        solver.zero_grad()
        logits_NC = functional.linear(features_ND, weight_CD, bias_C)
        loss = functional.cross_entropy(logits_NC, labels_N) + 0.5 * strength * weight_CD.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    solver.step(objective)  # type: ignore[no-untyped-call]
    for parameter in parameters:
        parameter.requires_grad = False
