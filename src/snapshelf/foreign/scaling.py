"""How the pixels of a photo become the numbers that a network takes, as `--mean`, `--std` and `--bgr` say.

Shapes: N photos, S pixels a side, C = 1 or 3 channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapshelf.errors import ConfigError
from snapshelf.foreign.reading import PhotosIn

GREY = (0.299, 0.587, 0.114)
"""How much red, green and blue count for a grey pixel (ITU-R BT.601), as Pillow's and TensorFlow's grey has it."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """`(pixel − mean) / std`, of pixels from 0 to 255; one number a channel, in the network's order."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool = False
    """Whether the network's channels are blue, green, red."""

    @property
    def changes_nothing(self) -> bool:
        """Whether pixels stay as they are."""
        return set(self.mean) == {0.0} and set(self.std) == {1.0}

    def as_options(self) -> str:
        """As it is typed."""
        mean, std = (",".join(f"{number:g}" for number in _shortest(each)) for each in (self.mean, self.std))
        return f"--mean {mean} --std {std}" + (" --bgr" if self.bgr else "")

    def of_rgb(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Mean and std for red, green and blue."""
        mean, std = ((each * 3)[:3][:: -1 if self.bgr else 1] for each in (self.mean, self.std))
        return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])

    def apply(self, photos_NSSC: NDArray[np.uint8], wanted: PhotosIn) -> NDArray[np.generic]:
        """What a network is given of uint8 RGB photos: what `form` writes as ONNX, said in NumPy."""
        pixels_NSSC: NDArray[Any] = photos_NSSC.astype(np.float32)
        if wanted.channels == 1:
            pixels_NSSC = np.rint(pixels_NSSC @ np.array(GREY, np.float32))[..., None]
        elif self.bgr:
            pixels_NSSC = pixels_NSSC[..., ::-1]
        pixels_NSSC = (pixels_NSSC - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        if wanted.layout == "NCSS":
            pixels_NSSC = pixels_NSSC.transpose(0, 3, 1, 2)
        elif wanted.layout == "NSS":
            pixels_NSSC = pixels_NSSC[..., 0]
        return np.ascontiguousarray(pixels_NSSC.astype(wanted.dtype))


def scaling_of(mean: str, std: str, *, bgr: bool, wanted: PhotosIn) -> Scaling:
    """What the options say, for a network that takes such photos.

    Raises:
        ConfigError: these are no numbers, too many, not for pixels from 0 to 255, or the network scales pixels itself.
    """
    scaling = Scaling(
        _numbers("--mean", mean, wanted.channels), _numbers("--std", std, wanted.channels), bgr and wanted.channels == 3
    )
    if bgr and wanted.channels == 1:
        raise ConfigError("--bgr: the model takes grey photos, whose channels have no order. Leave it out.")
    if min(scaling.std) <= 0:
        raise ConfigError(f"--std is {std}; expected numbers above 0.")
    if wanted.is_whole and not scaling.changes_nothing:
        raise ConfigError(
            "The model takes whole numbers from 0 to 255, so it scales pixels itself. Leave out --mean and --std."
        )
    if max(scaling.std) < 1 and 0 < max(scaling.mean) <= 1:
        mean_255, std_255 = (tuple(round(255 * each, 4) for each in part) for part in (scaling.mean, scaling.std))
        raise ConfigError(
            f"--mean {mean} --std {std} seem to be for pixels from 0 to 1; here they go from 0 to 255. "
            f"Say: {Scaling(mean_255, std_255, bgr).as_options()}"
        )
    return scaling


def usual_scalings(wanted: PhotosIn) -> Sequence[Scaling]:
    """What networks are usually trained with: as they are, 0 to 1, −1 to 1, ImageNet's, and Caffe's (Keras's VGG16)."""
    if wanted.is_whole:
        return [Scaling((0.0,) * wanted.channels, (1.0,) * wanted.channels, each) for each in (False, True)]
    grey = [
        Scaling((mean,) * wanted.channels, (std,) * wanted.channels)
        for mean, std in ((0.0, 1.0), (0.0, 255.0), (127.5, 127.5))
    ]
    if wanted.channels == 1:
        return grey
    return [
        *grey,
        Scaling((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
        Scaling((103.939, 116.779, 123.68), (1.0, 1.0, 1.0), bgr=True),
    ]


def _numbers(option: str, text: str, channels: int) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, channels) or not np.isfinite(numbers).all():
        count = "one number" if channels == 1 else "one number, or three with commas between"
        raise ConfigError(f"{option} is {text!r}; expected {count}, for pixels from 0 to 255.")
    return numbers if len(numbers) == channels else numbers * channels


def _shortest(numbers: tuple[float, ...]) -> tuple[float, ...]:
    return numbers[:1] if len(set(numbers)) == 1 else numbers
