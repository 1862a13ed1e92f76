"""Fewer numbers an embedding: what 1,280 say of a photo, 256 say as well, in a fifth of the memory.

Shapes: N photos, D numbers an embedding of the network, P of a projected one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

PROJECTED_DIM = 256
"""On groceries and clothing 256 find what 1,280 find (docs/decisions/0019-embeddings.md)."""


class Projection(nn.Module):
    """L2-normalised embeddings (N, D) → L2-normalised ones (N, P): their principal components (Pearson 1901)."""

    def __init__(self, mean_D: Tensor, components_PD: Tensor) -> None:
        super().__init__()
        self.mean_D = nn.Buffer(mean_D)
        self.components_DP = nn.Buffer(components_PD.T.contiguous())

    @property
    def dim(self) -> int:
        """P."""
        return self.components_DP.shape[1]

    def forward(self, embedding_ND: Tensor) -> Tensor:
        """The same photos in fewer numbers."""
        return functional.normalize((embedding_ND - self.mean_D) @ self.components_DP, dim=1)


def fit_projection(embedding_ND: Tensor, dim: int = PROJECTED_DIM) -> Projection | None:
    """Keep the directions in which photos that were learnt from differ most.

    The mean is taken away, as it is the same for all photos; the directions are not made equal (whitened): what differs
    little is mostly noise.

    Args:
        embedding_ND: of photos that were learnt from, L2-normalised.
        dim: P.

    Returns:
        None where the network's embeddings are not longer than that, or there are too few photos to tell.
    """
    num_photos, embedding_dim = embedding_ND.shape
    if embedding_dim <= dim or num_photos <= dim:
        return None
    mean_D = embedding_ND.mean(dim=0)
    centred_ND = embedding_ND - mean_D
    _, vectors_DD = torch.linalg.eigh((centred_ND.T @ centred_ND).double())
    strongest_PD = vectors_DD.flip(1)[:, :dim].T
    # The sign of an eigenvector is arbitrary; this one does not depend on the machine.
    sign_P1 = strongest_PD.gather(1, strongest_PD.abs().argmax(dim=1, keepdim=True)).sign()
    return Projection(mean_D, (strongest_PD * sign_P1).float())
