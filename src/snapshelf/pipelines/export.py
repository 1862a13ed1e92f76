"""`snapshelf export`: the model in use → a folder for an app, with the proof that it says the same.

Shapes: N photos, S pixels a side, 3 channels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.adapters.model_encoder import MODEL_FILE
from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.publish import published_folder, sha256_file
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError, ExportCheckError
from snapshelf.exports.forms import WRITERS, Form, Quantize, Wanted
from snapshelf.exports.parity import Parity, opened, parity_of, said_of
from snapshelf.exports.recipe import Recipe
from snapshelf.progress import console, progress

MOST_PHOTOS = 500
"""As many photos are shown to both models."""
NUM_CALIBRATION = 100
MOST_LOST = 0.01
"""The share of photos that integers may cost."""
MOST_DIFFERENT = 1e-3
"""Of a probability, where nothing was rounded."""
MOST_DIFFERENT_IN_16_BITS = 0.05
"""Of a probability, where weights were: a device may be a little surer or less sure than the server."""
LEAST_AGREEMENT = 0.99
"""The share of photos for which a customer's device and the server must say the same."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written, and how it compares."""

    folder: Path
    model_id: str
    to: Form
    quantize: Quantize
    files: dict[str, str]
    """The sha256 of each."""
    parity: Parity

    def to_json(self) -> dict[str, object]:
        """What `export --json` prints."""
        return {
            "folder": str(self.folder), "model_id": self.model_id, "to": self.to, "quantize": self.quantize,
            "files": self.files, "parity": self.parity.to_json(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Photos:
    calibration_NSSC: NDArray[np.uint8]
    """Of the training split."""
    shown_NSSC: NDArray[np.uint8]
    """Validation photos first, then training photos that do not calibrate."""
    labels_N: NDArray[np.int64]
    num_validation: int


def export(
    store: Store,
    *,
    to: Form,
    quantize: Quantize = "none",
    model_id: str | None = None,
    folder: Path | None = None,
    num_threads: int = 1,
) -> ExportResult:
    """Write a model of the store for other engines, if it answers as the store's own does. An older export at the same
    place is replaced.

    Raises:
        ArtifactMissingError: there is no such model, or no data set whose photos could be shown to both.
        ArtifactMismatchError: the data set's photos are prepared otherwise than the model takes them.
        ExportCheckError: it answers otherwise: nothing was written.
        ConfigError: the form needs a package that is not installed.
    """
    model_folder = store.existing("models", model_id) if model_id else store.current("models")
    card = ModelCard.read(model_folder)
    photos = _photos(store, card)
    final = folder or store.export_folder(card.id, f"{to}-int8" if quantize == "int8" else to)
    wanted = Wanted(model_folder, card, quantize, photos.calibration_NSSC)
    with published_folder(final) as work:
        console.print(
            f"Writing {card.id} for {to}"
            + (f", each layer's range taken over {len(photos.calibration_NSSC)} photos" if quantize == "int8" else ""),
            markup=False,
        )
        written = WRITERS[to](wanted, work)
        parity = _compared(card, model_folder / MODEL_FILE, written.model, to, photos, num_threads)
        _check(parity, to, quantize)
        _write_beside(work, written.recipe, card, parity)
        files = {path.name: sha256_file(path) for path in sorted(work.iterdir())}
    _say(final, parity)
    return ExportResult(final, card.id, to, quantize, files, parity)


def _photos(store: Store, card: ModelCard) -> _Photos:
    if not store.has_current("datasets"):
        raise ArtifactMissingError(
            "There are no prepared photos to compare the exported model on. "
            f"Run: snapshelf prepare SOURCE --store {store.root}"
        )
    dataset = Dataset(store.current("datasets"))
    if dataset.card.preprocess != card.preprocess:
        raise ArtifactMismatchError(
            f"The data set {dataset.id} was prepared as {dataset.card.preprocess.key}, but the model {card.id} takes "
            f"{card.preprocess.key}. Prepare its photos again: snapshelf prepare SOURCE --store {store.root}"
        )
    train_N = np.random.default_rng(0).permutation(dataset.rows("train"))
    validation_N = dataset.rows("validation") if "validation" in dataset.splits() else train_N[:0]
    calibration_N, others_N = train_N[:NUM_CALIBRATION], train_N[NUM_CALIBRATION:]
    shown_N = np.concatenate([validation_N, others_N])[:MOST_PHOTOS]
    if not len(shown_N):
        shown_N = calibration_N
    named = dataset.manifest["label"].to_pylist()
    places = {label: place for place, label in enumerate(card.labels)}
    return _Photos(
        dataset.photos()[np.sort(calibration_N)],
        dataset.photos()[shown_N],
        np.array([places.get(named[row], -1) for row in shown_N.tolist()]),
        min(len(validation_N), MOST_PHOTOS),
    )


def _compared(card: ModelCard, own: Path, written: Path, form: Form, photos: _Photos, num_threads: int) -> Parity:
    with progress("Comparing", 2 * len(photos.shown_NSSC)) as tell:
        said = said_of(opened(own, "onnx", num_threads), photos.shown_NSSC, card.temperature, tell)
        exported = said_of(opened(written, form, num_threads), photos.shown_NSSC, card.temperature, tell)
    exported_bytes = sum(path.stat().st_size for path in written.parent.glob("model.*"))
    megabytes = (own.stat().st_size / 1e6, exported_bytes / 1e6)
    return parity_of(said, exported, photos.labels_N, photos.num_validation, megabytes=megabytes)


def _check(parity: Parity, to: Form, quantize: Quantize) -> None:
    most_different = MOST_DIFFERENT_IN_16_BITS if to == "web" else MOST_DIFFERENT
    if parity.accuracy_lost > MOST_LOST:
        raise ExportCheckError(
            f"Of {parity.num_validation or parity.num_photos} photos the exported model is right for "
            f"{parity.exported_accuracy:.1%}, the store's own for {parity.accuracy:.1%}; at most one point may be "
            "lost. Nothing was written. Take --quantize none."
        )
    difference = parity.max_probability_difference or 0.0
    if quantize == "none" and not difference <= most_different:
        raise ExportCheckError(
            f"The exported model answers otherwise than the store's own: on {parity.num_photos} photos a probability "
            f"differs by {difference:.2g}; at most {most_different:g} is accepted. Nothing was written."
        )
    if to == "web" and parity.agreement is not None and parity.agreement < LEAST_AGREEMENT:
        raise ExportCheckError(
            f"With its weights in 16 bits the model says the same as the store's own for {parity.agreement:.1%} of "
            f"{parity.num_photos} photos; expected at least {LEAST_AGREEMENT:.0%}. Nothing was written."
        )


def _write_beside(work: Path, recipe: Recipe, card: ModelCard, parity: Parity) -> None:
    for name, content in (("recipe.json", recipe), ("parity.json", parity.to_json())):
        (work / name).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
    (work / "labels.txt").write_text("".join(f"{label}\n" for label in card.labels), "utf-8")


def _say(folder: Path, parity: Parity) -> None:
    console.print(f"Exported to {folder}", markup=False)
    if parity.agreement is not None:
        console.print(
            f"  the same label for {parity.agreement:.1%} of {parity.num_photos} photos; a probability differs by "
            f"{parity.max_probability_difference:.3f} at most",
            markup=False,
        )
        of = f"{parity.num_validation} validation photos" if parity.num_validation else "training photos"
        console.print(
            f"  accuracy on {of} {parity.accuracy:.4f} before, {parity.exported_accuracy:.4f} now", markup=False
        )
    console.print(
        f"  {parity.megabytes:.1f} MB before, {parity.exported_megabytes:.1f} now; one photo {parity.ms:.1f} ms before "
        f"(ONNX Runtime), {parity.exported_ms:.1f} now; embeddings at least {parity.lowest_similarity:.4f} alike",
        markup=False,
    )
