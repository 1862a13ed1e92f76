"""`snapshelf models add`: a network that was trained elsewhere → a model of the store, calibrated on its photos.

Shapes: N photos, S pixels a side, 3 channels, C categories, D numbers an embedding.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from snapshelf.artifacts.cards import ADDED, ModelCard
from snapshelf.artifacts.publish import published_folder, sha256_file
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.data.supercategories import supercategories_of
from snapshelf.drift.baseline import Baseline
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError, ConfigError, StoreError
from snapshelf.foreign.answers import AnswersOut, answers_of
from snapshelf.foreign.doubts import check_order, check_scaling
from snapshelf.foreign.form import followed_by, in_form
from snapshelf.foreign.labels import labels_of
from snapshelf.foreign.reading import Network, read_network
from snapshelf.foreign.scaling import Scaling, scaling_of
from snapshelf.foreign.trial import Trial, check_answers
from snapshelf.pipelines.model_details import Measured, details_of, measured
from snapshelf.pipelines.models import command_that_indexes
from snapshelf.pipelines.usual_photos import baseline_of_rows
from snapshelf.progress import console, progress
from snapshelf.training.export import export_readout
from snapshelf.training.familiarity import class_means, some_of_each_class, spread
from snapshelf.training.loop import Photos
from snapshelf.training.model_folder import ONNX, write_config, write_samples
from snapshelf.training.projection import fit_projection

_NUM_CHECKED = 64
_NUM_DOUBTED = 128
"""Photos by which other scalings are tried."""


@dataclass(frozen=True, slots=True)
class Described:
    """What is said about a network that was trained elsewhere: `snapshelf models add`'s options."""

    labels: str
    """A file, or the labels with commas between."""
    size_px: int | None = None
    mean: str = "0"
    std: str = "1"
    bgr: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """What was made."""

    folder: Path
    card: ModelCard
    in_use: bool

    def to_json(self) -> dict[str, object]:
        """What `models add --json` prints."""
        return {"model_id": self.card.id, "folder": str(self.folder), "in_use": self.in_use} | {
            "embedding_dim": self.card.embedding_dim,
            "max_probability_difference": self.card.export_max_probability_difference,
            "validation": self.card.validation,
        }


@dataclass(frozen=True, slots=True)
class _Subject:
    """A network, and how it is to be taken."""

    network: Network
    scaling: Scaling
    answers: AnswersOut
    labels: list[str]
    photos: Photos
    num_threads: int


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made of it: the file, what its card says, and the photos that are usual for it."""

    content: bytes
    details: dict[str, Any]
    baseline: Baseline


def add_model(store: Store, path: Path, described: Described, *, num_threads: int = 1) -> Added:
    """Bring a model in ONNX's form into the store: check it on the store's photos, calibrate it, publish it.

    It is put in use where no index is in use whose products would no longer be found.

    Raises:
        ModelFileError: the file is no such model, or answers in another way than is needed here.
        ConfigError: labels, size or scaling cannot be, or others evidently fit better.
        ArtifactMissingError: the store has no prepared photos.
        ArtifactMismatchError: they are of another size.
        StoreError: none of them can calibrate the model.
        ExportCheckError: what was made of it answers otherwise than it; nothing was published.
    """
    labels = labels_of(described.labels)
    network = read_network(path)
    scaling = scaling_of(described.mean, described.std, bgr=described.bgr, wanted=network.photos)
    dataset = _dataset(store, path, network, described.size_px)
    photos = _photos(dataset, labels)
    pixels = scaling.apply(_some(photos, _NUM_CHECKED), network.photos)
    answers = answers_of(network, pixels, len(labels))
    subject = _Subject(network, scaling, answers, labels, photos, num_threads)
    model = in_form(network, answers, scaling, dataset.card.preprocess.size_px)
    found = _calibrated(subject, model)
    whole = followed_by(model, onnx.load_model_from_string(export_readout(found.familiarity, found.projection)))
    content = whole.SerializeToString()
    checked_NSSC = _some(photos, _NUM_CHECKED)
    trial = Trial(content, num_threads)
    difference = check_answers(trial, network, answers, scaling, found.readout, checked_NSSC)
    labels_N = photos.labels_N[photos.validation_rows]
    details = details_of(dataset, labels, found, labels_N, store.config().verdict)
    details["supercategories"] = supercategories_of(labels, store.config().supercategories, store.root)
    details |= {"export_max_probability_difference": difference, "onnx_sha256": hashlib.sha256(content).hexdigest()}
    usual = baseline_of_rows(dataset, photos.validation_rows, found.encoding, found.temperature, details["onnx_sha256"])
    added = _publish(store, path, subject, _Made(content, details, usual))
    _say(store, added, subject)
    return added


def _dataset(store: Store, path: Path, network: Network, size_px: int | None) -> Dataset:
    own = network.photos.size_px
    if own and size_px and own != size_px:
        raise ConfigError(f"--size is {size_px}, but {path} takes photos of {own} px. Leave it out.")
    if not 8 <= (own or size_px or 8) <= 1024:
        raise ConfigError(f"{path} takes photos of {own or size_px} px; models take 8 to 1024 px here.")
    wanted = own or size_px
    hint = f"snapshelf prepare SOURCE{f' --size {wanted}' if wanted else ''} --store {store.root}"
    if not store.has_current("datasets"):
        raise ArtifactMissingError(
            "A model is checked and calibrated on the store's photos, and none are prepared yet: without them nobody "
            f"knows when it may be called sure. Run: {hint}"
        )
    dataset = Dataset(store.current("datasets"))
    if wanted not in (None, dataset.card.preprocess.size_px):
        raise ArtifactMismatchError(
            f"{path} takes photos of {wanted} px, but the data set {dataset.id} was prepared as "
            f"{dataset.card.preprocess.key}. Prepare its photos again: {hint}"
        )
    return dataset


def _photos(dataset: Dataset, labels: list[str]) -> Photos:
    """Those whose label the model knows; labels by their place among its own."""
    places = {label: place for place, label in enumerate(labels)}
    of_dataset = np.array([places.get(label, -1) for label in dataset.labels], np.int64)
    missing, unseen = sorted(set(dataset.labels) - set(labels)), sorted(set(labels) - set(dataset.labels))
    if len(missing) == len(dataset.labels):
        raise ConfigError(
            f"None of --labels ({_some_of(labels)}) is a label of the data set {dataset.id} "
            f"({_some_of(dataset.labels)}). They have to be the same, letter by letter."
        )
    if missing:
        console.print(f"The model does not know: {_some_of(missing)}. Photos of them are passed over.", markup=False)
    if unseen:
        console.print(f"The store has no photos to check it on of: {_some_of(unseen)}.", markup=False)
    labels_N = of_dataset[dataset.class_indices()]
    rows = [found[labels_N[found] >= 0] for found in (dataset.rows("train"), dataset.rows("validation"))]
    for split, found in zip(("train", "validation"), rows, strict=True):
        if not len(found):
            raise StoreError(
                f"The data set {dataset.id} has no {split} photos of what the model knows. It is calibrated by "
                "validation photos, and learns what is usual from train. Prepare photos without splits of their own, "
                "or with both: snapshelf prepare SOURCE --store DIR"
            )
    return Photos(dataset.photos(), labels_N, *rows)


def _some(photos: Photos, number: int) -> NDArray[np.uint8]:
    return photos.photos_NSSC[spread(photos.validation_rows, number)]


def _calibrated(subject: _Subject, model: onnx.ModelProto) -> Measured:
    """Let it look at the photos by which it is judged, and at some that it may have learnt from."""
    photos = subject.photos
    doubted = spread(photos.validation_rows, _NUM_DOUBTED)
    check_scaling(
        subject.network, subject.answers, subject.scaling, photos.photos_NSSC[doubted], photos.labels_N[doubted],
        subject.num_threads,
    )  # fmt: skip
    labels_N, learnt = photos.labels_N[photos.validation_rows], some_of_each_class(photos.train_rows, photos.labels_N)
    trial = Trial(model.SerializeToString(), subject.num_threads)
    with progress("Looking", len(labels_N) + len(learnt)) as tell:
        seen = trial.look_at(photos.photos_NSSC, photos.validation_rows, tell)
        learnt_ND = trial.look_at(photos.photos_NSSC, learnt, tell).embedding_ND
    check_order(seen.logits_NC, labels_N, subject.labels)
    means_CD = class_means(learnt_ND, photos.labels_N[learnt], len(subject.labels))
    return measured(seen, means_CD, fit_projection(torch.from_numpy(learnt_ND)), labels_N)


def _publish(store: Store, path: Path, subject: _Subject, made: _Made) -> Added:
    sha256, name = sha256_file(path), re.sub(r"[^a-z0-9_]+", "-", path.stem.lower()).strip("-")[:40] or "model"
    mean, std = subject.scaling.of_rgb()
    card = ModelCard(
        id=f"{name}-{ADDED}-{made.details['onnx_sha256'][:8]}", backbone=name, recipe=ADDED,
        weights=f"{path.name} sha256:{sha256}", seed=0, mean=mean, std=std, **made.details,
    )  # fmt: skip
    final = store.folder("models", card.id)
    config = {"file": path.name, "sha256": sha256, "labels": subject.labels, "scaling": asdict(subject.scaling)}
    with published_folder(final) as folder:
        (folder / ONNX).write_bytes(made.content)
        write_config(config | {"answers": asdict(subject.answers)}, folder)
        write_samples(subject.photos, folder)
        made.baseline.write(folder)
        card.write(folder)
    in_use = not store.has_current("index")
    if in_use:
        store.use("models", card.id)
    return Added(final, card, in_use)


_EMBEDDINGS = {
    "output": "its second output",
    "features": "what goes into its last layer",
    "scores": "no more than its scores, as no linear layer makes them: products of one category will look alike. "
    "Give it a second output, (N, D), for better ones",
}


def _say(store: Store, added: Added, subject: _Subject) -> None:
    card = added.card
    scores, labels_N = card.validation, subject.photos.labels_N[subject.photos.validation_rows]
    lines = [
        (
            f"Model {card.id}: validation accuracy {scores['accuracy']:.4f}, macro F1 {scores['macro_f1']:.4f} "
            f"({scores['num_photos']:,.0f} photos). It answers as the file does, to "
            f"{card.export_max_probability_difference:.1g}; its embedding of {card.embedding_dim} numbers is "
            f"{_EMBEDDINGS[subject.answers.embedding_is]}."
        )
    ]
    most = float(np.bincount(labels_N).max() / len(labels_N))
    if scores["accuracy"] <= most:
        lines.append(
            f"Warning: that is no better than always naming one category ({most:.4f}). Are --labels in the order "
            "of its answers, and --mean and --std as in its training?"
        )
    if subject.network.photos.one_at_a_time:
        lines.append("It was exported for one photo at a time; exported for any number, it would index more quickly.")
    if added.in_use:
        lines.append(f"It is in use and lies in {added.folder}")
    else:
        lines.append(f"To use it, run: {command_that_indexes(store, card.id)}")
        lines.append(f"and then: snapshelf models use {card.id} --store {store.root}")
    for line in lines:
        console.print(line, markup=False)


def _some_of(labels: list[str]) -> str:
    return ", ".join(labels[:8]) + (", …" if len(labels) > 8 else "")
