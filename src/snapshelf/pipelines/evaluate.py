"""`snapshelf evaluate`: the exported model on photos whose classes are known → scores and a report beside the model.

Shapes: N photos, S pixels a side, 3 channels, C classes.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.publish import write_atomic
from snapshelf.artifacts.store import Store
from snapshelf.errors import ArtifactMismatchError, SourceError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.metrics.calibration import softmax
from snapshelf.metrics.classification import ClassificationScores, classification_scores, confidence_bins
from snapshelf.pipelines.labelled import LabelledPhoto, LabelledPhotos, photos_of_dataset, photos_of_source
from snapshelf.ports import Encoder
from snapshelf.progress import console, progress
from snapshelf.reports.evaluation import EvaluationReport, Mistake
from snapshelf.types import Rejected, Split

METRICS_JSON, REPORT_HTML = "metrics.json", "report.html"

_BATCH = 64
_MISTAKES_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a model did, and on what. `dataset_id` or `data` names the photos; the other one is None."""

    model_id: str
    dataset_id: str | None
    data: str | None
    split: Split | None
    scores: ClassificationScores
    rejected: list[Rejected]
    unknown: dict[str, int]
    """Labels that the model does not know, and how many photos have each."""
    report_path: Path

    def to_json(self) -> dict[str, Any]:
        """What `metrics.json` holds and `--json` prints."""
        scores = self.scores
        return {
            "model_id": self.model_id,
            "dataset_id": self.dataset_id,
            "data": self.data,
            "split": self.split,
            "accuracy": scores.accuracy,
            "macro_f1": scores.macro_f1,
            "weighted_f1": scores.weighted_f1,
            "top5_accuracy": scores.top5_accuracy,
            "ece": scores.ece,
            "num_photos": scores.num_photos,
            "num_classes": scores.num_classes,
            "per_class": {label: asdict(each) for label, each in scores.per_class.items()},
            "confusion": {"labels": list(scores.per_class), "counts": scores.confusion_CC.tolist()},
            "rejected": [asdict(bad) for bad in self.rejected],
            "unknown": {"num_photos": sum(self.unknown.values()), "labels": sorted(self.unknown)},
            "report": str(self.report_path),
        }


def evaluate(  # noqa: PLR0913 (what `snapshelf evaluate` takes, and the model)
    store: Store,
    encoder: Encoder,
    card: ModelCard,
    *,
    data: str | None = None,
    format: str = "auto",  # noqa: A002 (the word of `--format`)
    split: Split | None = None,
    limits: DecodeLimits,
    num_threads: int,
) -> Evaluation:
    """Score a model and write `metrics.json` and `report.html` into its folder.

    Args:
        store: holds the model's folder, and the prepared photos unless `data` names others.
        encoder: the exported model.
        card: the model's card.
        data: a source as in `prepare`; None takes the store's data set in use.
        format: the source's format.
        split: which photos; None is the data set's test split, or its validation split where it has no test photos.
            Of `data`, None takes all photos.
        limits: photos beyond these are rejected.
        num_threads: how many photos are decoded at a time.

    Raises:
        ArtifactMismatchError: the model knows no classes, or the photos were prepared for another size.
        ArtifactMissingError: the store has no data set.
        SourceError: there is no photo to score.
    """
    if not card.labels:
        raise ArtifactMismatchError(
            f"The model {card.id} is pretrained and knows no classes yet, so there is nothing to score. "
            f"Train first: snapshelf train --store {store.root}"
        )
    if data is None:
        photos = photos_of_dataset(store, card, split)
    else:
        photos = photos_of_source(store, card, data, format, split, limits=limits, num_threads=num_threads)
    tally = _score(encoder, card, photos)
    evaluation = _evaluation(store, card, photos, tally)
    _publish(evaluation, photos, tally)
    return evaluation


@dataclass(slots=True)
class _Tally:
    """What was seen so far: for each photo of a known class its label's index and the model's probabilities."""

    labels: list[int] = field(default_factory=list)
    probabilities: list[NDArray[np.float64]] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)

    def labels_N(self) -> NDArray[np.int64]:
        return np.array(self.labels, dtype=np.int64)

    def probabilities_NC(self) -> NDArray[np.float64]:
        return np.concatenate(self.probabilities)


def _score(encoder: Encoder, card: ModelCard, photos: LabelledPhotos) -> _Tally:
    tally = _Tally()
    class_to_idx = {label: index for index, label in enumerate(card.labels)}
    with progress("Evaluating", photos.total) as step:
        for batch in _batches(photos.photos):
            known = [photo for photo in batch if photo.label in class_to_idx]
            tally.unknown.update(photo.label for photo in batch if photo.label not in class_to_idx)
            if known:
                logits_NC = encoder.encode(np.stack([photo.pixels_SSC for photo in known])).logits_NC
                _count(tally, known, softmax(logits_NC, card.temperature), class_to_idx)
            step(len(batch))
    if not tally.labels:
        raise SourceError(
            f"None of {photos.words} can be scored: {len(photos.rejected)} could not be used, "
            f"{tally.unknown.total()} show classes that the model does not know ({_some(tally.unknown)}). "
            f"It knows {_some(class_to_idx)}."
        )
    return tally


def _count(
    tally: _Tally,
    photos: list[LabelledPhoto],
    probabilities_NC: NDArray[np.float64],
    class_to_idx: dict[str, int],
) -> None:
    labels = list(class_to_idx)
    tally.labels += [class_to_idx[photo.label] for photo in photos]
    tally.probabilities.append(probabilities_NC)
    wrong = [
        Mistake(photo.path, photo.label, labels[best], float(probabilities_C[best]), photo.pixels_SSC)
        for photo, probabilities_C in zip(photos, probabilities_NC, strict=True)
        if labels[best := int(probabilities_C.argmax())] != photo.label
    ]
    tally.mistakes = heapq.nlargest(_MISTAKES_SHOWN, [*tally.mistakes, *wrong], key=lambda each: each.probability)


def _batches(photos: Iterator[LabelledPhoto]) -> Iterator[list[LabelledPhoto]]:
    while batch := list(itertools.islice(photos, _BATCH)):
        yield batch


def _evaluation(store: Store, card: ModelCard, photos: LabelledPhotos, tally: _Tally) -> Evaluation:
    return Evaluation(
        model_id=card.id,
        dataset_id=photos.dataset_id,
        data=photos.data,
        split=photos.split,
        scores=classification_scores(tally.labels_N(), tally.probabilities_NC(), card.labels),
        rejected=sorted(photos.rejected, key=lambda bad: bad.path),
        unknown=dict(tally.unknown),
        report_path=store.folder("models", card.id) / REPORT_HTML,
    )


def _publish(evaluation: Evaluation, photos: LabelledPhotos, tally: _Tally) -> None:
    report = EvaluationReport(
        model_id=evaluation.model_id,
        photos=photos.words,
        scores=evaluation.scores,
        bins=confidence_bins(tally.labels_N(), tally.probabilities_NC()),
        mistakes=tally.mistakes,
        rejected=evaluation.rejected,
        num_unknown=tally.unknown.total(),
        unknown_labels=sorted(tally.unknown),
    )
    write_atomic(evaluation.report_path, report.to_html())
    metrics = json.dumps(evaluation.to_json(), indent=2, ensure_ascii=False) + "\n"
    write_atomic(evaluation.report_path.with_name(METRICS_JSON), metrics)
    _say(evaluation, photos)


def _say(evaluation: Evaluation, photos: LabelledPhotos) -> None:
    scores = evaluation.scores
    numbers = {
        "accuracy": scores.accuracy,
        "macro F1": scores.macro_f1,
        "top-5": scores.top5_accuracy,
        "ECE": scores.ece,
    }
    said = ", ".join(f"{name} {number:.4f}" for name, number in numbers.items())
    lines = [f"{evaluation.model_id} on {photos.words}: {said}"]
    if evaluation.rejected:
        first = evaluation.rejected[0]
        lines.append(f"Could not be used: {len(evaluation.rejected):,}; the first is {first.path}: {first.reason}")
    if evaluation.unknown:
        lines.append(
            f"{sum(evaluation.unknown.values()):,} show classes unknown to the model: {_some(evaluation.unknown)}"
        )
    lines.append(f"Report: {evaluation.report_path}")
    for line in lines:
        console.print(line, markup=False)


def _some(labels: dict[str, int]) -> str:
    return ", ".join(sorted(labels)[:8]) + (", …" if len(labels) > 8 else "") if labels else "none"
