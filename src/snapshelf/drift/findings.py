"""What a shift means, in words for the one who keeps a store.

Shapes: M photos of now, Q quantities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapshelf.drift.judgement import Usual, known
from snapshelf.drift.quantities import Quantity
from snapshelf.metrics.drift import Shift

_MOST_CLASSES = 3
_LITTLE = 0.25
"""Of the range that 80 of 100 usual photos are in: where the median moves by less, it is the range that has changed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One quantity that has moved."""

    quantity: str
    """A `Quantity`, or `embedding`."""
    what: str
    """From what to what."""
    cause: str
    """What it may come from."""
    remedy: str
    """What to do."""


_NEW_PHOTOS = (
    "Train with photos like these: have customers' corrections reviewed, then snapshelf feedback export and snapshelf "
    "prepare --also."
)
_CAMERA = "If photos will stay like this, train with some of them; a model is only measured on what it was shown."

_LOWER: Mapping[Quantity, tuple[str, str, str]] = {
    "brightness": ("Photos are darker", "Evening, dim rooms, a camera or a page that changed.", _CAMERA),
    "contrast": ("Photos are flatter", "Haze, a dirty lens, back light, or a filter.", _CAMERA),
    "sharpness": ("Photos are softer", "Blur, strong compression, or small photos that were enlarged.", _CAMERA),
    "size": (
        "Photos are smaller than what the model looks at",
        "Thumbnails, or something on the way that shrinks photos.",
        "Look at what shrinks them; a model cannot see what is not there.",
    ),
    "aspect": ("Photos are narrower", "Phones held upright, or another crop.", _CAMERA),
    "confidence": (
        "The model is less sure",
        "Photos of another kind than it was measured on, or things that it does not know.",
        _NEW_PHOTOS,
    ),
    "familiarity": (
        "Photos are less familiar to the model",
        "Things that it does not know, or photos that are taken in another way: look at the most unusual ones.",
        "Are these your goods? Then train with photos of them. Are they not? Then «unknown» is the right answer.",
    ),
    "similarity": (
        "The nearest products are less alike",
        "Goods that the catalogue lacks, or photos unlike those in the catalogue.",
        "Add the products that are missing with snapshelf index, or customers' photos of those that are there.",
    ),
}
_HIGHER: Mapping[Quantity, tuple[str, str, str]] = {
    "brightness": ("Photos are brighter", "White backgrounds, flash, or a camera or page that changed.", _CAMERA),
    "contrast": ("Photos have more contrast", "Cut-out pictures, flash, or a filter.", _CAMERA),
    "sharpness": (
        "Photos are sharper",
        "Another camera or page, drawn or rendered pictures, or a sharpening filter.",
        _CAMERA,
    ),
    "size": ("Photos are larger", "Another camera or page.", "Nothing: the model sees more of them."),
    "aspect": ("Photos are wider", "Cameras held sideways, or another crop.", _CAMERA),
    "confidence": (
        "The model is surer",
        "Plainer photos, such as the catalogue's own, or ones that it learnt from.",
        "Nothing, if customers' photos are really so plain; else look at who sends them.",
    ),
    "familiarity": (
        "Photos are more familiar to the model",
        "The catalogue's own photos, or ones that it learnt from.",
        "Nothing, if customers' photos are really so plain; else look at who sends them.",
    ),
    "similarity": (
        "The nearest products are more alike",
        "The catalogue has grown, or its own photos are searched with.",
        "If the catalogue has grown, nothing.",
    ),
}
_SPREAD = (
    "Photos of fewer kinds than before, or of more: of things, places or cameras.",
    "Look at the most unusual photos, and at what the others have in common.",
)
_CLASS = (
    "Other things are shown",
    "A season, a campaign, other customers; or the model takes one thing for another.",
    "Look at photos of what there is more of. Is it that? Then score the model on them: snapshelf evaluate --data",
)
_EMBEDDING = Finding(
    "embedding",
    "As a whole, photos look otherwise to the model",
    "Whatever else is named here, or something that no single number shows: colours, backgrounds, kinds of things.",
    "Look at the most unusual photos.",
)


def findings(
    usual: Usual, values_MQ: NDArray[np.float32], shifts: Mapping[Quantity, Shift], embedding: Shift | None
) -> list[Finding]:
    """What has moved: first what the photos themselves are like, which may explain the rest."""
    pictures = ("brightness", "contrast", "sharpness", "size", "aspect")
    moved = [name for name, shift in shifts.items() if shift.is_drift]
    moved.sort(key=lambda name: name not in pictures)
    found = [_classes(usual, values_MQ) if name == "class" else _number(name, usual, values_MQ) for name in moved]
    return [*found, _EMBEDDING] if embedding and embedding.is_drift else found


def class_shares(usual: Usual, values_MQ: NDArray[np.float32]) -> list[tuple[str, float, float]]:
    """Each label's share of the predictions, 0 to 1, usually and now; the largest change first."""
    now_M, num_classes = known(values_MQ, "class"), len(usual.labels)
    shares = [
        np.bincount(each.astype(np.int64), minlength=num_classes) / max(len(each), 1)
        for each in (usual.known("class"), now_M)
    ]
    rows = [(label, float(was), float(now)) for label, was, now in zip(usual.labels, *shares, strict=True)]
    return sorted(rows, key=lambda row: -abs(row[2] - row[1]))


def _classes(usual: Usual, values_MQ: NDArray[np.float32]) -> Finding:
    rows: Sequence[tuple[str, float, float]] = class_shares(usual, values_MQ)[:_MOST_CLASSES]
    changes = ", ".join(f"{label} {100 * was:.0f} → {100 * now:.0f} %" for label, was, now in rows)
    what, cause, remedy = _CLASS
    return Finding("class", f"{what}: {changes}", cause, remedy)


def _number(name: Quantity, usual: Usual, values_MQ: NDArray[np.float32]) -> Finding:
    was_N, now_M = usual.known(name), known(values_MQ, name)
    was, now = float(np.median(was_N)), float(np.median(now_M))
    spread = [float(np.subtract(*np.percentile(each, [90, 10]))) for each in (was_N, now_M)]
    change = f"median {was:.2f} → {now:.2f}"
    if abs(now - was) <= _LITTLE * spread[0]:
        more_or_less = "more" if spread[1] > spread[0] else "less"
        change += f", 80 of 100 within {spread[0]:.2f} → {spread[1]:.2f}"
        return Finding(name, f"Photos differ {more_or_less} in {name}: {change}", *_SPREAD)
    what, cause, remedy = (_LOWER if now < was else _HIGHER)[name]
    return Finding(name, f"{what}: {change}", cause, remedy)
