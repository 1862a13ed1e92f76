"""One change of shape or colour to a photo, at any strength: the operations of TrivialAugment.

Müller and Hutter, «TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation», ICCV 2021, the wide ranges;
the operations themselves are torchvision's.

Shapes: N photos, 3 channels, S pixels a side, (N, 3, S, S), uint8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from snapshelf.training.torchvision_compat import declare_missing_operators

declare_missing_operators()
from torchvision.transforms import InterpolationMode  # noqa: E402 (only after the operators are declared)
from torchvision.transforms.v2 import functional as vision  # noqa: E402

_LARGEST_SHEAR_DEGREES = 44.7
_LARGEST_SHIFT = 1 / 7
"""Of the side: 32 px of 224."""
_LARGEST_TURN_DEGREES = 135.0
_GREY = [127.0, 127.0, 127.0]


def change(photos_NCSS: Tensor, operation: int, strength: float) -> Tensor:
    """The changed photos, all in the same way.

    Args:
        photos_NCSS: stay as they are.
        operation: 0 to `NUM_OPERATIONS` - 1.
        strength: -1 to 1; its sign is the direction, where the operation has one.
    """
    changed_NCSS: Tensor = _OPERATIONS[operation](photos_NCSS, strength)
    return changed_NCSS


def _moved(
    photos: Tensor, *, degrees: float = 0.0, shift: Sequence[float] = (0, 0), shear: Sequence[float] = (0, 0)
) -> Tensor:
    pixels = [round(share * photos.shape[-1]) for share in shift]
    moved: Tensor = vision.affine(
        photos, degrees, pixels, 1.0, list(shear), interpolation=InterpolationMode.BILINEAR, fill=_GREY
    )
    return moved


_OPERATIONS: tuple[Callable[[Tensor, float], Tensor], ...] = (
    lambda photos, _: photos,
    lambda photos, strength: _moved(photos, shear=(strength * _LARGEST_SHEAR_DEGREES, 0)),
    lambda photos, strength: _moved(photos, shear=(0, strength * _LARGEST_SHEAR_DEGREES)),
    lambda photos, strength: _moved(photos, shift=(strength * _LARGEST_SHIFT, 0)),
    lambda photos, strength: _moved(photos, shift=(0, strength * _LARGEST_SHIFT)),
    lambda photos, strength: _moved(photos, degrees=strength * _LARGEST_TURN_DEGREES),
    lambda photos, strength: vision.adjust_brightness(photos, 1 + 0.99 * strength),
    lambda photos, strength: vision.adjust_saturation(photos, 1 + 0.99 * strength),
    lambda photos, strength: vision.adjust_contrast(photos, 1 + 0.99 * strength),
    lambda photos, strength: vision.adjust_sharpness(photos, 1 + 0.99 * strength),
    lambda photos, strength: vision.posterize(photos, 8 - round(6 * abs(strength))),
    lambda photos, strength: vision.solarize(photos, 255 * (1 - abs(strength))),
    lambda photos, _: vision.autocontrast(photos),
    lambda photos, _: vision.equalize(photos),
)

NUM_OPERATIONS = len(_OPERATIONS)
