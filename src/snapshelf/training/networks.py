"""Networks of our own, and the one form that every network has here: a body that embeds and a head that decides.

Shapes: N photos, C classes, D numbers an embedding; photos enter as normalised floats (N, 3, S, S), «NCHW».
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Network(nn.Module):
    """A body, (N, 3, S, S) → (N, D), and a linear head, (N, D) → (N, C). Without classes there is no head."""

    def __init__(self, body: nn.Module, embedding_dim: int, num_classes: int) -> None:
        super().__init__()
        self.body = body
        self.embedding_dim = embedding_dim
        self.num_classes = num_classes
        self.head = nn.Linear(embedding_dim, num_classes) if num_classes else None
        self.both_sides = False
        """Whether, when it does not learn, its answer is the mean of those for a photo and for its mirror image."""

    def forward(self, photos_NCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, C) and the embedding (N, D) before it is normalised."""
        twice = self.both_sides and not self.training
        embedding_ND: Tensor = self.body(torch.cat([photos_NCHW, photos_NCHW.flip(3)]) if twice else photos_NCHW)
        logits_NC = embedding_ND[:, :0] if self.head is None else self.head(embedding_ND)
        if not twice:
            return logits_NC, embedding_ND
        return _mean_of_halves(logits_NC), _mean_of_halves(embedding_ND)

    def set_head(self, weight_CD: Tensor, bias_C: Tensor) -> None:
        """Take over a head that was fitted elsewhere. There must be one, of the same shape."""
        self.head = nn.Linear(self.embedding_dim, self.num_classes, device="meta")
        state = {"weight": weight_CD, "bias": bias_C}
        self.head.load_state_dict(state, assign=True)


def _mean_of_halves(answers_NX: Tensor) -> Tensor:
    return answers_NX.reshape(2, -1, answers_NX.shape[1]).mean(0)


def with_body(body: nn.Module, size_px: int, num_classes: int) -> Network:
    """A network on a body whose D is found by trying it on one empty photo."""
    body.eval()
    with torch.inference_mode():
        embedding_dim = body(torch.zeros(1, 3, size_px, size_px)).shape[1]
    return Network(body, embedding_dim, num_classes)


def seed_cnn_body(size_px: int) -> nn.Module:
    """The network that the project began with: convolution 32 3×3, max-pool 2×2, dense 128. D is 128."""
    pooled = (size_px - 2) // 2
    return nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * pooled * pooled, 128), nn.ReLU()
    )


def compact_body() -> nn.Module:
    """A small network for photos of about 28 to 32 px, quick on a processor. D is 128.

    Every step looks, halves the maps by their maxima and only then normalises them; at last the strongest answer of all
    places counts. As in the networks with which CIFAR-10 is learnt fastest (Page 2018; Jordan 2024, «94% on CIFAR-10 in
    3.29 seconds on a single GPU»).
    """
    return nn.Sequential(
        nn.Conv2d(3, 16, 2, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        *_halving(16, 32),
        *_halving(32, 64),
        *_halving(64, 128),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
    )


def _halving(channels_in: int, channels: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
    return [convolution, nn.MaxPool2d(2), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


def mini_resnet_body() -> nn.Module:
    """A residual network for photos of about 28 to 32 px that sees more than `compact`, at some six times the cost.
    D is 256.

    Each of three stages begins as those of `compact` and looks again twice (He et al. 2016).
    """
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        _Stage(32, 64),
        _Stage(64, 128),
        _Stage(128, 256),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
    )


class _Stage(nn.Module):
    """A convolution whose maps are halved by their maxima, and a residual block of two more."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.halve = nn.MaxPool2d(2)
        self.norm = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, maps_NCHW: Tensor) -> Tensor:
        maps_NCHW = functional.relu(self.norm(self.halve(self.widen(maps_NCHW))), inplace=True)
        inner_NCHW = functional.relu(self.norm1(self.conv1(maps_NCHW)), inplace=True)
        return functional.relu(maps_NCHW + self.norm2(self.conv2(inner_NCHW)), inplace=True)
