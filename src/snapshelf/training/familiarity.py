"""How familiar a photo seems to a trained network: what its logits say and what its embedding says, added up.

The logits know the classes apart, the embedding knows what is far from all of them; docs/decisions/0015 has the
measurements.

Shapes: N photos, C classes, D numbers an embedding.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from snapshelf.training.inference import Seen

_LEAST_SPREAD = 1e-2
"""Where photos are so alike that they differ by little more than rounding does, nothing is made of it."""

_WEIGHT_OF_COSINE = 1.5
"""Chosen by photos of classes that were left out of training, and of other data."""

_SURE = 14.0
"""Log-odds above this, one mistake in a million, are not told apart."""

_FAR = 1e4
"""What takes the likeliest class out of a sum."""

_MOST_FOR_MEANS = 2000
"""Photos that are looked at for the classes' means."""


class Familiarity(nn.Module):
    """Logits (N, C) and L2-normalised embeddings (N, D) → how familiar each photo seems, (N,).

    How much more probable the likeliest class is than all others together (its log-odds), and half as much again the
    cosine to the nearest class's mean embedding, each in standard deviations from what is usual for photos of known
    things. So 0 is usual, and an unknown thing is far below it.
    """

    def __init__(self, means_CD: Tensor, temperature: float, known: Seen) -> None:
        """Learn from photos of known things what is usual.

        Args:
            means_CD: the mean embedding of each class, L2-normalised; zeros for a class of which none is known.
            temperature: by which logits are divided.
            known: what the network says of photos that it has not learnt from.
        """
        super().__init__()
        self.temperature = temperature
        self.means_DC = nn.Buffer(means_CD.T.contiguous())
        parts_N2 = self._parts(torch.from_numpy(known.logits_NC), torch.from_numpy(known.embedding_ND))
        self.usual_2 = nn.Buffer(parts_N2.mean(0))
        self.spread_2 = nn.Buffer(parts_N2.std(0, correction=0).clamp_min(_LEAST_SPREAD))

    def forward(self, logits_NC: Tensor, embedding_ND: Tensor) -> Tensor:
        """Higher is more familiar."""
        deviations_N2 = (self._parts(logits_NC, embedding_ND) - self.usual_2) / self.spread_2
        return deviations_N2[:, 0] + _WEIGHT_OF_COSINE * deviations_N2[:, 1]

    def _parts(self, logits_NC: Tensor, embedding_ND: Tensor) -> Tensor:
        scaled_NC = logits_NC / self.temperature
        classes_C = torch.arange(scaled_NC.shape[1], device=scaled_NC.device)
        is_likeliest_NC = classes_C == scaled_NC.argmax(1, keepdim=True)
        # The others are added up by themselves: 1 - p would lose its digits where p is nearly 1.
        others_N = torch.logsumexp(torch.where(is_likeliest_NC, scaled_NC - _FAR, scaled_NC), 1)
        log_odds_N = scaled_NC.amax(1) - others_N
        cosine_N = (embedding_ND @ self.means_DC).amax(1)
        return torch.stack([log_odds_N.clamp(max=_SURE), cosine_N], 1)

    def of(self, seen: Seen) -> NDArray[np.float32]:
        """The same for what a network said already, (N,)."""
        with torch.inference_mode():
            familiarity_N: NDArray[np.float32] = self(
                torch.from_numpy(seen.logits_NC), torch.from_numpy(seen.embedding_ND)
            ).numpy()
        return familiarity_N


def some_of_each_class(
    rows: NDArray[np.int64], labels_N: NDArray[np.int64], most: int = _MOST_FOR_MEANS
) -> NDArray[np.int64]:
    """Up to `most` of the rows, as many of each class, from its first to its last: enough for the classes' means."""
    of_rows = labels_N[rows]
    classes = np.unique(of_rows)
    each = max(1, most // len(classes))
    return np.concatenate([spread(rows[of_rows == label], each) for label in classes])


def spread(rows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """So many of the rows, from the first to the last; all where there are not as many."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, number).astype(np.int64))]


def class_means(embedding_ND: NDArray[np.float32], labels_N: NDArray[np.int64], num_classes: int) -> Tensor:
    """The mean embedding of each class, (C, D), L2-normalised; zeros for a class without photos."""
    sums_CD = torch.zeros(num_classes, embedding_ND.shape[1])
    sums_CD.index_add_(0, torch.from_numpy(labels_N), torch.from_numpy(embedding_ND))
    return functional.normalize(sums_CD, dim=1)
