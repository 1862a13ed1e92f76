"""Photo files → answers, as the command line gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from snapshelf.errors import NotAPhotoError, PhotoError, PhotoTooManyBytesError
from snapshelf.imaging.decode import DecodeLimits, decode
from snapshelf.progress import console
from snapshelf.recommend.options import SearchOptions
from snapshelf.recommend.recommender import Answer
from snapshelf.settings import Settings
from snapshelf.wiring import Shelf


def recommend_files(
    shelf: Shelf, paths: list[Path], options: SearchOptions, *, settings: Settings, show: bool
) -> list[dict[str, Any]]:
    """One answer a file, in the form of the HTTP API with `photo` added; a file that fails has `photo` and `error`."""
    return [_answer(shelf, path, options, settings, show=show) for path in paths]


def _answer(shelf: Shelf, path: Path, options: SearchOptions, settings: Settings, *, show: bool) -> dict[str, Any]:
    try:
        data = read_photo_file(path, settings.max_upload_bytes)
        picture = decode(data, DecodeLimits.of(settings), needed_px=shelf.recommender.needed_px(None))
    except PhotoError as error:
        console.print(f"{path}: {error}", style="red", markup=False)
        return {"photo": str(path), "error": str(error)}
    answer = shelf.recommender.recommend(picture.image, options)
    if show:
        _show(path, answer)
    return {"photo": str(path), "model_id": shelf.model.id, **answer.to_json()}


def read_photo_file(path: Path, max_bytes: int) -> bytes:
    """A photo file's bytes.

    Raises:
        PhotoError: it cannot be read, or is larger than allowed (then it is not read).
    """
    try:
        num_bytes = path.stat().st_size
        if num_bytes > max_bytes:
            raise PhotoTooManyBytesError(
                f"The file has {num_bytes:,} bytes; at most {max_bytes:,} are accepted (SNAPSHELF_MAX_UPLOAD_BYTES)."
            )
        return path.read_bytes()
    except OSError as error:
        raise NotAPhotoError(f"Cannot read the file: {error.strerror or error}. Name a photo file.") from None


def _show(path: Path, answer: Answer) -> None:
    prediction = answer.prediction
    table = Table("similarity", "product", "category", "why", title_justify="left", box=None, pad_edge=False)
    for each in answer.recommendations:
        table.add_row(f"{each.similarity:.3f}", each.product.title, each.product.category, each.reason)
    output = Console(highlight=False)
    said = f"{path}: {prediction.label} ({prediction.verdict}, {prediction.probability:.0%})"
    output.print(said, markup=False, soft_wrap=True)
    output.print(table)
