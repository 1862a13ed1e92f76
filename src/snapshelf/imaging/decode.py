"""Bytes → an upright RGB picture, under limits. A file is hostile until it has passed through here."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image, UnidentifiedImageError

from snapshelf.errors import (
    NotAPhotoError,
    PhotoError,
    PhotoTooManyBytesError,
    PhotoTooManyPixelsError,
    TruncatedPhotoError,
)
from snapshelf.imaging.essentials import essentials
from snapshelf.imaging.heic import HEIC, is_heic, require_heic
from snapshelf.settings import Settings

FORMATS: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What is recognised, by content and never by the file's name; and HEIC, where the [heic] extra is installed."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"})
"""The file names that are taken for photos when a folder is read."""

# Pillow's own check counts by other rules and at another place; ours runs on every file before its pixels are read.
Image.MAX_IMAGE_PIXELS = None

# A broken EXIF block has a warning for each of its tags, and is no reason to warn anybody. Once for all, because
# `catch_warnings` is not made for threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation but 1 (CIPA DC-008, 4.6.4 A)."""

_PAPER = (255, 255, 255)

_TIFF_CODINGS = frozenset(
    {"raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "jpeg", "lzma", "zstd", "webp"}
)
"""What photos are coded by; Pillow's names."""

_COST = {"WEBP": 2}
"""Of a WebP Pillow holds an animation's canvas twice beside the picture, 15 bytes a pixel, and takes some 40 ns for
each: twice what the other kinds take."""


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What is refused before it costs anything."""

    max_bytes: int = 20_000_000
    max_pixels: int = 50_000_000

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits that the environment sets."""
        return cls(max_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded photo.

    `image` is upright and RGB; it may be smaller than the file's picture where a scale was asked for. `width_px` and
    `height_px` are those of the upright original. `orientation` is the EXIF value that was undone, 1 to 8.
    """

    image: Image.Image
    width_px: int
    height_px: int
    orientation: int
    format: str


def decode(data: bytes, limits: DecodeLimits, *, needed_px: int | None = None) -> Picture:
    """Decode a photo's bytes to an upright RGB picture.

    Animations give their first frame. Transparency is laid on white. 16 bits a channel become 8.

    Args:
        data: the whole file.
        limits: what is refused.
        needed_px: a JPEG may be decoded at 1/2, 1/4 or 1/8 as long as its shorter side keeps at least this many pixels;
            None decodes in full.

    Raises:
        PhotoTooManyBytesError: more bytes than `limits.max_bytes`.
        PhotoTooManyPixelsError: more pixels than `limits.max_pixels`; found in the header, before decoding.
        NotAPhotoError: empty, or no picture of a kind that is known here.
        TruncatedPhotoError: its end is missing.
        PhotoError: broken in another way.
    """
    with _broken_files_named(data):
        return _decode_opened(_open(data, limits), needed_px)


def longer_side_px(data: bytes, limits: DecodeLimits) -> int:
    """How long a photo is, as its header says; the pixels are not looked at.

    Raises:
        PhotoError: see `decode`.
    """
    with _broken_files_named(data):
        return max(_open(data, limits).size)


@contextlib.contextmanager
def _broken_files_named(data: bytes) -> Iterator[None]:
    try:
        yield
    except PhotoError:
        raise
    except Exception as error:  # Pillow's plug-ins raise nearly anything on a broken file
        kind = TruncatedPhotoError if _is_cut_off(data, error) else PhotoError
        raise kind(f"The picture is broken or cut off ({_brief(error)}). Send the whole file.") from error


def _open(data: bytes, limits: DecodeLimits) -> Image.Image:
    """The picture with its header read and found to be within the limits."""
    if not data:
        raise NotAPhotoError("The file is empty (0 bytes); a photo was expected.")
    if len(data) > limits.max_bytes:
        raise PhotoTooManyBytesError(
            f"The file has {len(data):,} bytes; at most {limits.max_bytes:,} are accepted. Send a smaller photo."
        )
    formats = FORMATS
    if is_heic(data):
        require_heic()
        formats = (HEIC,)
    try:
        image = Image.open(io.BytesIO(essentials(data)), formats=formats)
    except UnidentifiedImageError:
        raise NotAPhotoError(
            f"Not a picture: the content is none of {', '.join(FORMATS)}. Save the photo as JPEG or PNG and try again."
        ) from None
    _refuse_many_pixels(image, limits)
    _refuse_fax(image)
    return image


def _refuse_many_pixels(image: Image.Image, limits: DecodeLimits) -> None:
    width, height = image.size
    allowed = limits.max_pixels // _COST.get(image.format or "", 1)
    if width * height > allowed:
        of_kind = f" of a {image.format}" if allowed < limits.max_pixels else ""
        raise PhotoTooManyPixelsError(
            f"The picture has {width} × {height} pixels ({width * height / 1e6:.1f} million); "
            f"at most {allowed / 1e6:.0f} million{of_kind} are accepted. Send a smaller photo."
        )


def _refuse_fax(image: Image.Image) -> None:
    """libtiff writes a line to standard error for each line of a broken fax, and there may be millions."""
    coding = image.info.get("compression", "raw")
    if image.format == "TIFF" and coding not in _TIFF_CODINGS:
        raise PhotoError(f"The TIFF is coded as {coding}, which is not read here. Save the photo as JPEG or PNG.")


def _decode_opened(image: Image.Image, needed_px: int | None) -> Picture:
    width, height = image.size
    format_name = image.format or "unknown"
    orientation = _orientation(image)
    if needed_px is not None and format_name == "JPEG":
        _draft(image, needed_px)
    image.load()
    upright = _to_rgb(image)
    if orientation in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[orientation])
    if orientation >= 5:
        width, height = height, width
    return Picture(upright, width, height, orientation, format_name)


def _orientation(image: Image.Image) -> int:
    value = image.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _draft(image: Image.Image, needed_px: int) -> None:
    """Let the JPEG decoder leave out detail that resizing would throw away."""
    scale = min(image.size) // needed_px
    if scale >= 2:
        image.draft("RGB", (image.width // scale, image.height // scale))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _from_deep_grey(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        rgb = Image.new("RGB", rgba.size, _PAPER)
        rgb.paste(rgba, mask=rgba.getchannel("A"))
        return rgb
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """16-bit (or, rarely, 32-bit) grey: the range is scaled to 8 bits instead of being clipped at 255."""
    deep = image.mode.startswith("I;16")
    grey_HW = np.nan_to_num(np.asarray(image, dtype=np.float32), copy=False)
    top = 65535.0 if deep or grey_HW.max(initial=0.0) > 255 else 255.0
    scaled_HW = np.clip(grey_HW * (255.0 / top), 0, 255).round().astype(np.uint8)
    return Image.fromarray(scaled_HW).convert("RGB")


def _is_cut_off(data: bytes, error: Exception) -> bool:
    """Whether a file's end is missing: Pillow says so, but for WebP, whose header has the file's length less 8."""
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return "truncated" in str(error).lower() or (is_webp and int.from_bytes(data[4:8], "little") + 8 > len(data))


def _brief(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
