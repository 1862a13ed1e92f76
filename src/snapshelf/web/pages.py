"""The pages that the server draws: templates, in the language of whoever asks."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from snapshelf.imaging.heic import reads_heic
from snapshelf.types import Prediction
from snapshelf.web.shell import VERSION_HEADER
from snapshelf.web.words import Words, capitalised, languages, readable, words_for

TEMPLATES = Path(__file__).parent / "templates"

_ACCEPTED = ("image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "image/bmp", "image/tiff")
_HEIC_ACCEPTED = ("image/heic", "image/heif", ".heic", ".heif")


def words_of(request: Request, language: Annotated[str | None, Query()] = None) -> Words:
    """Those for who asks."""
    return words_for(language, request.headers.get("accept-language", ""))


PageWords = Annotated[Words, Depends(words_of)]
"""In the language that `?language=` names, else in one that the browser accepts."""


def accepted_photos() -> str:
    """What a file picker offers: JPEG first, and HEIC only where it is read.

    Where HEIC is not named, Safari on a Mac makes a JPEG of it; on iPhones it always does.
    """
    return ",".join(_ACCEPTED + (_HEIC_ACCEPTED if reads_heic() else ()))


def draw(template: str, words: Words, **values: Any) -> str:  # noqa: ANN401 (templates take anything)
    """A page. Every value is escaped."""
    return _templates.get_template(template).render(
        words=words, languages=languages(), accept=accepted_photos(), **values
    )


def page_response(request: Request, words: Words, page: str) -> Response:
    """A page that is asked for again at each visit, by its ETag, and sent packed where the browser unpacks it."""
    content = page.encode()
    headers = {
        "Cache-Control": "no-cache",
        "Content-Language": words.language,
        "ETag": f'W/"{hashlib.sha256(content).hexdigest()[:32]}"',
        "Vary": "Accept-Language, Accept-Encoding",
        VERSION_HEADER: request.app.state.shell.version,
    }
    if request.method == "GET" and request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = gzip.compress(content, 6), "gzip"
    return Response(content, media_type="text/html", headers=headers)


def _headline(prediction: Prediction, words: Words) -> str:
    """What a photo was taken for."""
    labels = [each.label for each in prediction.top]
    if prediction.verdict == "confident":
        return capitalised(readable(prediction.label))
    if prediction.verdict == "likely":
        return words("plain.likely", label=prediction.label)
    if prediction.verdict == "unknown":
        return words("verdict.unknown")
    if len(labels) > 1:
        return words("verdict.unsure", first=labels[0], second=labels[1])
    return words("verdict.unsure_one", first=prediction.label)


_templates = Environment(
    loader=PackageLoader("snapshelf.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    "label": lambda name: capitalised(readable(name)),
    "plain_number": lambda number: "" if number is None else f"{number:g}",
    "headline": _headline,
}
