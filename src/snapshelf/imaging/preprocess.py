"""An upright picture → the square of pixels that a model sees. It travels with the model, in its card.

Shapes: S pixels a side, C = 3 channels (red, green, blue).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from snapshelf.errors import RequestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from snapshelf.types import Box

Fit = Literal["squash", "pad", "crop"]


class Preprocess(BaseModel):
    """How a picture of any shape becomes a square of uint8.

    Normalising is not part of it: the model does that itself, so that nobody can do it otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=8, le=1024)
    """S, the side of the square."""

    fit: Fit = "squash"
    """`squash` takes the whole picture and changes its proportions; `pad` keeps them and fills with white; `crop`
    keeps them and takes the middle."""

    def apply(self, image: Image.Image) -> NDArray[np.uint8]:
        """The picture as a square, (S, S, 3) uint8, with antialiasing where it shrinks: see decision 11."""
        size = (self.size_px, self.size_px)
        if image.size == size:
            return np.asarray(image)
        if self.fit == "squash":
            return np.asarray(_resize(image, size))
        if self.fit == "crop":
            side = min(image.size)
            left, top = (image.width - side) / 2, (image.height - side) / 2
            box = (left, top, left + side, top + side)
            return np.asarray(_resize(image, size, box))
        return self._pad(image)

    def _pad(self, image: Image.Image) -> NDArray[np.uint8]:
        scale = self.size_px / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        small = _resize(image, (width, height))
        square = Image.new("RGB", (self.size_px, self.size_px), (255, 255, 255))
        square.paste(small, ((self.size_px - width) // 2, (self.size_px - height) // 2))
        return np.asarray(square)

    @property
    def key(self) -> str:
        """A short name for files that hold photos prepared this way, such as `squash-224`."""
        return f"{self.fit}-{self.size_px}"


def _resize(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    """First by a whole number, which is fast, then what is left of it."""
    return image.resize(size, Image.Resampling.HAMMING, box=box, reducing_gap=1.0)


def crop(image: Image.Image, box: Box) -> Image.Image:
    """The part of an upright picture inside a box.

    Raises:
        RequestError: the box is empty or reaches outside the picture.
    """
    edge = 1.0 + 1e-6  # fractions that were rounded on a phone may add up to a little more than 1
    inside = box.x >= 0 and box.y >= 0 and box.x + box.w <= edge and box.y + box.h <= edge
    if not (inside and box.w > 0 and box.h > 0):
        raise RequestError(
            f"The box {box.x:g},{box.y:g},{box.w:g},{box.h:g} is not inside the photo; expected x,y,w,h as fractions "
            "between 0 and 1, with w and h above 0, x + w at most 1 and y + h at most 1."
        )
    left, top = int(box.x * image.width), int(box.y * image.height)
    right = min(image.width, max(left + 1, round((box.x + box.w) * image.width)))
    bottom = min(image.height, max(top + 1, round((box.y + box.h) * image.height)))
    return image.crop((min(left, right - 1), min(top, bottom - 1), right, bottom))
