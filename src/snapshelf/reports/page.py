"""What all reports share: the templates, numbers as people read them, and pictures inside the page.

Shapes: S pixels a side, C = 3 channels.
"""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray
from PIL import Image

_THUMBNAIL_PX = 128
_SMALL_PX = 64


def render(template: str, **values: Any) -> str:  # noqa: ANN401 (templates take anything)
    """Fill a template of this room. Every value is escaped."""
    return _templates.get_template(template).render(**values)


def render_text(template: str, **values: Any) -> str:  # noqa: ANN401 (templates take anything)
    """Fill a Markdown template of this room. What users wrote goes through the filter `plain`."""
    return _texts.get_template(template).render(**values)


def thumbnail(pixels_SSC: NDArray[np.uint8]) -> str:
    """A photo as a `data:` address: small ones as they are, larger ones at 128 px."""
    image = Image.fromarray(shrunk(pixels_SSC))
    content = io.BytesIO()
    if image.width <= _SMALL_PX:
        image.save(content, "PNG")
        return _data_address("png", content)
    image.save(content, "JPEG", quality=78)
    return _data_address("jpeg", content)


def shrunk(pixels_SSC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A photo of at most 128 px, as it is shown."""
    image = Image.fromarray(np.ascontiguousarray(pixels_SSC))
    image.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    return np.array(image)


def _data_address(kind: str, content: io.BytesIO) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode()}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def _range(interval: tuple[float, float]) -> str:
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _plain(text: str) -> str:
    """Such that nothing in it is Markdown."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(text.split()))


def _count(number: int) -> str:
    return f"{number:,}"


_templates = Environment(
    loader=PackageLoader("snapshelf.reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_texts = Environment(
    loader=PackageLoader("snapshelf.reports"),
    autoescape=False,  # noqa: S701 (Markdown; see the filter `plain`)
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
for _each in (_templates, _texts):
    _each.filters.update(percent=_percent, count=_count, range=_range, plain=_plain, duration=_duration)
