"""Changing photos at random so that a network learns what does not matter.

What is to be changed is drawn first, for a whole batch, from one generator; so a batch is the same however many threads
or machines change its photos.

Shapes: N photos, 3 channels, S pixels a side; uint8, (N, 3, S, S). C classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from snapshelf.training.trivial_augment import NUM_OPERATIONS, change

_COVER = 127
_WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Changes:
    """What happens to each of N photos; fractions are of the photo's side."""

    part_N4: NDArray[np.float64]
    """What is cut out: top, left, height, width, 0 to 1."""
    shift_N2: NDArray[np.int64]
    """By how many pixels it is moved down and right."""
    mirrored_N: NDArray[np.bool_]
    operation_N: NDArray[np.int64]
    """Which change of shape or colour (trivial_augment.py); -1 for none."""
    strength_N: NDArray[np.float64]
    """How much of it, -1 to 1."""
    erased_N4: NDArray[np.float64]
    """What is covered: top, left, height, width; nothing where the height is 0."""
    partner_part_N4: NDArray[np.float64]
    """What is taken from the partner's photo (CutMix), likewise."""

    def __getitem__(self, chosen: slice) -> Changes:
        """Those of some of the photos."""
        return Changes(*(getattr(self, each.name)[chosen] for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Augment:
    """What may be changed. As it stands, nothing is."""

    flip: bool = False
    """Mirror left and right, every second photo."""
    shift_px: int = 0
    """Move by up to this many pixels each way; the edge is repeated."""
    min_area: float = 1.0
    """Cut out a part of at least this share of the photo, of any place, and enlarge it to the full size."""
    trivial: bool = False
    """One change of shape or colour at any strength (TrivialAugment, Müller and Hutter 2021)."""
    erase: float = 0.0
    """How often a part of the photo is covered (Random Erasing, Zhong et al. 2020), 0 to 1."""
    cutmix: float = 0.0
    """How often a part is exchanged between the two of a pair (Yun et al. 2019), 0 to 1."""

    def draw(self, num: int, random: np.random.Generator) -> Changes:
        """Changes for so many photos."""
        partner_part_N4 = self._draw_partners(num, random)
        is_cut_out, unchanged_N4 = self.min_area < 1.0, np.tile(_WHOLE, (num, 1))
        return Changes(
            part_N4=_parts(random, random.uniform(self.min_area, 1.0, num), 4 / 3) if is_cut_out else unchanged_N4,
            shift_N2=random.integers(-self.shift_px, self.shift_px + 1, (num, 2)),
            mirrored_N=(random.random(num) < 0.5) & self.flip,
            operation_N=random.integers(0, NUM_OPERATIONS, num) if self.trivial else np.full(num, -1),
            strength_N=random.uniform(-1, 1, num),
            erased_N4=self._draw_erased(num, random),
            partner_part_N4=partner_part_N4,
        )

    def _draw_erased(self, num: int, random: np.random.Generator) -> NDArray[np.float64]:
        if not self.erase:
            return np.zeros((num, 4))
        cover_N4 = _parts(random, random.uniform(0.02, 0.3, num), 3.0)
        return np.where((random.random(num) < self.erase)[:, None], cover_N4, 0.0)

    def _draw_partners(self, num: int, random: np.random.Generator) -> NDArray[np.float64]:
        """What is taken from each photo's partner, the same for both of a pair."""
        if not self.cutmix:
            return np.zeros((num, 4))
        pairs = (num + 1) // 2
        is_cut = (random.random(pairs) < self.cutmix).repeat(2)[:num]
        parts = _parts(random, random.random(pairs), 1.0).repeat(2, axis=0)[:num]
        alone = np.arange(num) == num - num % 2  # the last one of an odd number has no partner
        return np.where((is_cut & ~alone)[:, None], parts, 0.0)

    def apply(self, photos_NCSS: Tensor, changes: Changes, size_px: int | None = None) -> Tensor:
        """A changed batch, uint8 like the one given, which stays as it was; of `size_px` a side, if that is given."""
        side = size_px or photos_NCSS.shape[-1]
        if not len(photos_NCSS):
            return photos_NCSS.new_empty((0, photos_NCSS.shape[1], side, side))
        if self.min_area < 1.0 or self.trivial or side != photos_NCSS.shape[-1]:
            photos_NCSS = _each(photos_NCSS, changes, side)
        if self.shift_px:
            photos_NCSS = _shift(photos_NCSS, changes.shift_N2)
        if self.flip:
            mirrored_N111 = torch.from_numpy(changes.mirrored_N).to(photos_NCSS.device)[:, None, None, None]
            photos_NCSS = torch.where(mirrored_N111, photos_NCSS.flip(3), photos_NCSS)
        if self.erase:
            covered_N1SS = _inside(changes.erased_N4, side).to(photos_NCSS.device)[:, None]
            photos_NCSS = photos_NCSS.masked_fill(covered_N1SS, _COVER)
        if self.cutmix:
            photos_NCSS = _mixed(photos_NCSS, changes)
        return photos_NCSS

    def targets(self, labels_N: Tensor, num_classes: int, changes: Changes) -> Tensor:
        """What the network should say: the class of each photo, (N,), or, where photos are mixed, its share and that of
        its partner's class, (N, C)."""
        if not self.cutmix:
            return labels_N
        target_NC = functional.one_hot(labels_N, num_classes).float()
        cut_N = changes.partner_part_N4[:, 2] * changes.partner_part_N4[:, 3]
        share_N1 = torch.from_numpy(cut_N).to(target_NC)[:, None]
        return target_NC * (1 - share_N1) + target_NC[_partners(len(labels_N))] * share_N1


def _partners(num: int) -> Tensor:
    """Neighbours are partners: 1 0 3 2 …; so parts of a batch of even size can be mixed apart from each other."""
    partner_N = torch.arange(num) ^ 1
    return partner_N.clamp_(max=num - 1)


def _parts(random: np.random.Generator, area_N: NDArray[np.float64], ratio: float) -> NDArray[np.float64]:
    """Parts of the given areas at random places, proportions up to `ratio` either way: top, left, height, width."""
    num = len(area_N)
    ratio_N = np.exp(random.uniform(-math.log(ratio), math.log(ratio), num))
    size_N2 = np.minimum(np.sqrt(np.stack([area_N * ratio_N, area_N / ratio_N], 1)), 1.0)
    return np.concatenate([random.random((num, 2)) * (1.0 - size_N2), size_N2], 1)


def _each(photos_NCSS: Tensor, changes: Changes, side: int) -> Tensor:
    """Cut out and change every photo by itself."""
    parts = zip(photos_NCSS, changes.part_N4, strict=True)
    changed_NCSS = torch.cat([_cut_out(photo_CSS[None], part_4, side) for photo_CSS, part_4 in parts])
    for index in np.flatnonzero(changes.operation_N > 0).tolist():
        operation, strength = int(changes.operation_N[index]), float(changes.strength_N[index])
        changed_NCSS[index] = change(changed_NCSS[index, None], operation, strength)[0]
    return changed_NCSS


def _cut_out(photo_NCSS: Tensor, part_4: NDArray[np.float64], side: int) -> Tensor:
    """Random resized crop (Szegedy et al. 2015); N is 1."""
    own = photo_NCSS.shape[-1]
    top, left, height, width = _in_pixels(part_4, own)
    if (height, width) == (own, own) == (side, side):
        return photo_NCSS.clone()
    part = photo_NCSS[..., top : top + max(1, height), left : left + max(1, width)]
    if part.is_cuda:  # where bytes cannot be resized
        part = part.float()
    resized: Tensor = functional.interpolate(part, (side, side), mode="bilinear", antialias=True)
    return resized.round().to(torch.uint8) if resized.is_floating_point() else resized


def _in_pixels(part_4: NDArray[np.float64], side: int) -> list[int]:
    pixels: list[int] = np.rint(part_4 * side).astype(int).tolist()
    return pixels


def _inside(part_N4: NDArray[np.float64], side: int) -> Tensor:
    """Which pixels belong to the parts, (N, S, S)."""
    pixels_N4 = np.rint(part_N4 * side).astype(int)
    along_S = np.arange(side)
    starts_N21, ends_N21 = pixels_N4[:, :2, None], (pixels_N4[:, :2] + pixels_N4[:, 2:])[:, :, None]
    inside_N2S = (along_S >= starts_N21) & (along_S < ends_N21)
    return torch.from_numpy(inside_N2S[:, 0, :, None] & inside_N2S[:, 1, None, :])


def _shift(photos_NCSS: Tensor, shift_N2: NDArray[np.int64]) -> Tensor:
    """Each photo by its own whole number of pixels: one gather for the batch."""
    num, channels, side, _ = photos_NCSS.shape
    moves = torch.arange(side) + torch.from_numpy(shift_N2.T.copy())[:, :, None]
    rows_NS, columns_NS = moves.clamp_(0, side - 1).to(photos_NCSS.device)
    rows = rows_NS[:, None, :, None].expand(num, channels, side, side)
    columns = columns_NS[:, None, None, :].expand(num, channels, side, side)
    return photos_NCSS.gather(2, rows).gather(3, columns)


def _mixed(photos_NCSS: Tensor, changes: Changes) -> Tensor:
    """Parts exchanged between partners."""
    taken_N1SS = _inside(changes.partner_part_N4, photos_NCSS.shape[-1]).to(photos_NCSS.device)[:, None]
    return torch.where(taken_N1SS, photos_NCSS[_partners(len(photos_NCSS))], photos_NCSS)
