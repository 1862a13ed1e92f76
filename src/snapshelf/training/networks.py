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

    def forward(self, photos_NCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, C) and the embedding (N, D) before it is normalised."""
        embedding_ND: Tensor = self.body(photos_NCHW)
        if self.head is None:
            return embedding_ND[:, :0], embedding_ND
        return self.head(embedding_ND), embedding_ND

    def set_head(self, weight_CD: Tensor, bias_C: Tensor) -> None:
        """Take over a head that was fitted elsewhere. There must be one, of the same shape."""
        self.head = nn.Linear(self.embedding_dim, self.num_classes, device="meta")
        state = {"weight": weight_CD, "bias": bias_C}
        self.head.load_state_dict(state, assign=True)


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
    """A small residual network for photos of about 28 to 32 px, quick on a processor. D is 96.

    What costs time there is the large maps, so the first convolution halves the photo at once and every block halves it
    again: 28 → 14 → 7 → 3.
    """
    return nn.Sequential(
        nn.Conv2d(3, 24, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(24),
        nn.ReLU(inplace=True),
        _HalvingBlock(24, 48, padding=1),
        _HalvingBlock(48, 96, padding=0),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def mini_resnet_body() -> nn.Module:
    """A residual network for photos of about 28 to 32 px that sees more than `compact`, at some twelve times the cost.
    D is 256.

    After the networks with which CIFAR-10 is learnt fastest (Page 2018; Jordan 2024, «94% on CIFAR-10 in 3.29 seconds
    on a single GPU»): each of three stages widens and halves the maps at once, then looks again twice.
    """
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        _Stage(32, 64),
        _Stage(64, 128),
        _Stage(128, 256),
        nn.AdaptiveAvgPool2d(1),
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


class _HalvingBlock(nn.Module):
    """A residual block that halves the sides (He et al. 2016, with the averaging shortcut of He et al. 2019).

    Without padding the edge is cut rather than filled up: 7 becomes 3 instead of 4, at half the cost.
    """

    def __init__(self, channels_in: int, channels: int, *, padding: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=2, padding=padding, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(3, stride=2, padding=padding, count_include_pad=False),
            nn.Conv2d(channels_in, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, maps_NCHW: Tensor) -> Tensor:
        inner_NCHW = functional.relu(self.norm1(self.conv1(maps_NCHW)), inplace=True)
        inner_NCHW = self.norm2(self.conv2(inner_NCHW))
        return functional.relu(inner_NCHW + self.shortcut(maps_NCHW), inplace=True)
