"""Whether two photos show the very same picture, by laying the details of the one upon those of the other.

Details are what is left of a small grey copy when a blurred one is taken away: light, colours and large shapes, which
look-alikes share, do not count. How well they match is their normalised cross-correlation, -1 to 1, at the best
position and scale (Lewis, «Fast normalized cross-correlation», 1995).

Shapes: S pixels a side, C = 3 channels, M pairs, N photos, K scales; s pixels a side of the small copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MATCH = 0.62
"""From here on two photos are one. Crops reach 0.68 with few exceptions, different photos of one scene at most 0.60
(measured on 3,409 photos of clothes and 3,017 of groceries; see docs/decisions/0010-near-duplicates.md)."""

TINY_MATCH = 0.97
"""The same for photos below 64 px: they have few details, and two plain trousers share most of them. All pairs of
Fashion-MNIST that differ by less than 0.8 (Euclidean, of pixels 0 to 1) reach 0.978; of its look-alikes 1 of 1,000."""

MOVABLE_PX = 64
"""Photos of at least this size are looked for within each other."""

_SMALL_PX = 64
_SCALES_PX = (64, 61, 58, 55, 52, 49, 46)
"""The sizes at which the one photo is looked for within the other: crops of 0 to 28 %."""

_BLUR = np.array([1, 8, 28, 56, 70, 56, 28, 8, 1], np.float32) / 256
_FAINT = 1.0
"""Grey levels: fainter details than this, root mean square, are noise, and match nothing."""


def details(photos_NSSC: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Photos' details, each of length 1, or all 0 where they are too faint to tell anything, (N, s, s).

    Photos below 64 px keep their size.
    """
    lumas = [Image.fromarray(pixels_SSC).convert("L") for pixels_SSC in photos_NSSC]
    details_Nss = _details(lumas, min(photos_NSSC.shape[1], _SMALL_PX))
    strength_N = np.linalg.norm(details_Nss, axis=(1, 2))
    faint_N = strength_N < _FAINT * details_Nss.shape[1]
    strength_N[faint_N] = np.inf
    unit_Nss: NDArray[np.float32] = details_Nss / strength_N[:, None, None]
    return unit_Nss


def alike_as_they_are(one_Mss: NDArray[np.float32], other_Mss: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pairs of details are one photo without being moved: as they are, mirrored, or turned by right angles."""
    best_M = np.zeros(len(one_Mss), np.float32)
    for turns in range(4):
        turned_Mss = np.rot90(other_Mss, turns, axes=(1, 2))
        for guise_Mss in (turned_Mss, turned_Mss.transpose(0, 2, 1)):
            best_M = np.maximum(best_M, np.einsum("mij,mij->m", one_Mss, guise_Mss))
    alike_M: NDArray[np.bool_] = best_M >= (TINY_MATCH if one_Mss.shape[1] < _SMALL_PX else MATCH)
    return alike_M


class Movable:
    """A photo of at least 64 px, in the forms in which it is looked for within another."""

    def __init__(self, pixels_SSC: NDArray[np.uint8]) -> None:
        self._luma = Image.fromarray(pixels_SSC).convert("L")
        (self._whole_ss,) = _details([self._luma], _SMALL_PX)

    def is_alike(self, other: Movable) -> bool:
        """Whether one of two photos is found within the other, at any place and at scales from 1 to 0.72."""
        return _best_match(self, other) >= MATCH or _best_match(other, self) >= MATCH

    @cached_property
    def spectrum(self) -> NDArray[Any]:
        """The Fourier transform, (s, s / 2 + 1)."""
        return np.fft.rfft2(self._whole_ss)

    @cached_property
    def energies(self) -> NDArray[np.float32]:
        """The sum of squares above and left of each place, (s + 1, s + 1)."""
        return np.pad(np.square(self._whole_ss).cumsum(0).cumsum(1), ((1, 0), (1, 0)))

    @cached_property
    def template_spectra(self) -> NDArray[Any]:
        """The conjugate transforms of smaller copies, each of mean 0 and length 1, (K, s, s / 2 + 1)."""
        templates_Kss = np.zeros((len(_SCALES_PX), _SMALL_PX, _SMALL_PX), np.float32)
        for template_ss, size_px in zip(templates_Kss, _SCALES_PX, strict=True):
            (small_ss,) = _details([self._luma], size_px)
            small_ss = small_ss - small_ss.mean()
            template_ss[:size_px, :size_px] = small_ss / max(float(np.linalg.norm(small_ss)), _FAINT * size_px)
        return np.conj(np.fft.rfft2(templates_Kss))


def _best_match(whole: Movable, part: Movable) -> float:
    correlations_Kss = np.fft.irfft2(whole.spectrum[None] * part.template_spectra, s=(_SMALL_PX, _SMALL_PX))
    best = 0.0
    for correlations_ss, size_px in zip(correlations_Kss, _SCALES_PX, strict=True):
        places = _SMALL_PX - size_px + 1
        corners = whole.energies
        energies = (
            corners[size_px:, size_px:]
            - corners[:-size_px, size_px:]
            - corners[size_px:, :-size_px]
            + corners[:-size_px, :-size_px]
        )
        faintest = np.square(_FAINT * size_px)
        matches = correlations_ss[:places, :places] / np.sqrt(np.maximum(energies, faintest))
        best = max(best, float(matches.max()))
    return best


def _details(lumas: Sequence[Image.Image], size_px: int) -> NDArray[np.float32]:
    small_Nss = np.stack([np.asarray(luma.resize((size_px, size_px), Image.Resampling.BOX)) for luma in lumas])
    grey_Nss = small_Nss.astype(np.float32)
    around = np.pad(grey_Nss, ((0, 0), *[(len(_BLUR) // 2,) * 2] * 2), "edge")
    rows = sum(weight * around[:, first : first + size_px] for first, weight in enumerate(_BLUR))
    blurred_Nss = sum(weight * rows[:, :, first : first + size_px] for first, weight in enumerate(_BLUR))
    details_Nss: NDArray[np.float32] = grey_Nss - blurred_Nss
    return details_Nss
