"""Changing photos at random so that a network learns what does not matter. Whole batches at a time.

Shapes: N photos, 3 channels, S pixels a side; uint8 before normalising, (N, 3, S, S).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Augment:
    """What may be changed. As it stands, nothing is."""

    flip: bool = False
    """Mirror left and right, every second photo."""
    shift_px: int = 0
    """Move by up to this many pixels each way; the edge is repeated."""
    min_area: float = 1.0
    """Cut out a part of at least this share of the photo, of any place, and enlarge it to the full size."""

    def apply(self, photos_NCSS: Tensor, generator: torch.Generator) -> Tensor:
        """A changed batch, uint8 like the one given, which stays as it was. The generator is the processor's."""
        if self.min_area < 1.0:
            photos_NCSS = _cut_out(photos_NCSS, self.min_area, generator)
        if self.shift_px:
            photos_NCSS = _shift(photos_NCSS, self.shift_px, generator)
        if self.flip:
            mirrored_N = torch.rand(len(photos_NCSS), generator=generator) < 0.5
            mirrored_N111 = mirrored_N.to(photos_NCSS.device)[:, None, None, None]
            photos_NCSS = torch.where(mirrored_N111, photos_NCSS.flip(3), photos_NCSS)
        return photos_NCSS


def _shift(photos_NCSS: Tensor, most_px: int, generator: torch.Generator) -> Tensor:
    """Each photo by its own whole number of pixels: one gather for the batch."""
    num, channels, side, _ = photos_NCSS.shape
    moves = torch.arange(side) + torch.randint(-most_px, most_px + 1, (2, num, 1), generator=generator)
    rows_NS, columns_NS = moves.clamp_(0, side - 1).to(photos_NCSS.device)
    rows = rows_NS[:, None, :, None].expand(num, channels, side, side)
    columns = columns_NS[:, None, None, :].expand(num, channels, side, side)
    return photos_NCSS.gather(2, rows).gather(3, columns)


def _cut_out(photos_NCSS: Tensor, min_area: float, generator: torch.Generator) -> Tensor:
    """Random resized crop (Szegedy et al. 2015): area from `min_area` to 1, proportions from 3/4 to 4/3."""
    num, side = len(photos_NCSS), photos_NCSS.shape[-1]
    area_N = torch.empty(num).uniform_(min_area, 1.0, generator=generator)
    ratio_N = torch.empty(num).uniform_(-math.log(4 / 3), math.log(4 / 3), generator=generator).exp()
    size_N2 = torch.stack([area_N * ratio_N, area_N / ratio_N], 1).sqrt_().clamp_(max=1.0)
    corner_N2 = torch.rand(num, 2, generator=generator) * (1.0 - size_N2)
    cut = [
        _resized(photo_CSS[None], *(corner_2 * side).round().int().tolist(), *(size_2 * side).round().int().tolist())
        for photo_CSS, corner_2, size_2 in zip(photos_NCSS, corner_N2, size_N2, strict=True)
    ]
    return torch.cat(cut)


def _resized(photo: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    side = photo.shape[-1]
    part = photo[..., top : top + max(1, height), left : left + max(1, width)]
    return functional.interpolate(part, (side, side), mode="bilinear", antialias=True)
