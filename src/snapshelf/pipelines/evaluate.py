"""`snapshelf evaluate`: the exported model on photos whose classes are known → scores and a report beside the model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.publish import write_atomic
from snapshelf.artifacts.store import Store
from snapshelf.errors import ArtifactMismatchError, SourceError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.metrics.classification import confidence_bins
from snapshelf.metrics.evaluation import Evaluation
from snapshelf.pipelines.answers import Answers, ask, ask_about_strangers
from snapshelf.pipelines.evaluation import evaluation_of
from snapshelf.pipelines.labelled import LabelledPhotos, photos_of_dataset, photos_of_source
from snapshelf.ports import ActivationMaps, Encoder
from snapshelf.progress import console
from snapshelf.reports.evaluation import Epoch, EvaluationReport, Look
from snapshelf.reports.model_card import FILE_NAME as MODEL_CARD
from snapshelf.reports.model_card import model_card_in_words
from snapshelf.types import Split

METRICS_JSON, REPORT_HTML, HISTORY_JSON = "metrics.json", "report.html", "history.json"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that is asked: the exported one, and its card."""

    encoder: Encoder
    card: ModelCard
    maps: ActivationMaps | None = None
    """Where it looks, if that can be told."""


def evaluate(  # noqa: PLR0913 (what `snapshelf evaluate` takes, and the model)
    store: Store,
    model: Candidate,
    *,
    other: Candidate | None = None,
    data: str | None = None,
    strangers: str | None = None,
    format: str = "auto",  # noqa: A002 (the word of `--format`)
    split: Split | None = None,
    limits: DecodeLimits,
    num_threads: int,
) -> Evaluation:
    """Score a model and write `metrics.json`, `report.html` and `model-card.md` into its folder.

    Args:
        store: holds the model's folder, and the prepared photos unless `data` names others.
        model: what is scored.
        other: a model that it is compared with, on the same photos.
        data: a source as in `prepare`; None takes the store's data set in use.
        strangers: a source of photos of other things, whatever their labels: how well does the model tell them apart?
        format: the source's format.
        split: which photos; None is the data set's test split, or its validation split where it has no test photos.
            Of `data`, None takes all photos.
        limits: photos beyond these are rejected.
        num_threads: how many photos are decoded at a time.

    Raises:
        ArtifactMismatchError: a model knows no classes, or the photos were prepared for another size.
        ArtifactMissingError: the store has no data set.
        SourceError: there is no photo to score.
    """

    def photos_for(card: ModelCard) -> LabelledPhotos:
        if data is None:
            return photos_of_dataset(store, card, split)
        return photos_of_source(store, card, data, format, split, limits=limits, num_threads=num_threads)

    answers, photos = _asked(store, model, photos_for)
    if strangers:
        card = model.card
        theirs = photos_of_source(store, card, strangers, "auto", None, limits=limits, num_threads=num_threads)
        ask_about_strangers(model.encoder, answers, theirs)
        photos.rejected += theirs.rejected
    others = _asked(store, other, photos_for)[0] if other else None
    evaluation = evaluation_of(answers, photos, others, store.folder("models", model.card.id) / REPORT_HTML)
    _publish(evaluation, photos, answers, model)
    return evaluation


def _asked(
    store: Store, model: Candidate, photos_for: Callable[[ModelCard], LabelledPhotos]
) -> tuple[Answers, LabelledPhotos]:
    card = model.card
    if not card.labels:
        raise ArtifactMismatchError(
            f"The model {card.id} is pretrained and knows no classes yet, so there is nothing to score. "
            f"Train first: snapshelf train --store {store.root}"
        )
    photos = photos_for(card)
    answers = ask(model.encoder, card, photos)
    if not answers.labels:
        raise SourceError(
            f"None of {photos.words} can be scored: {len(photos.rejected)} could not be used, "
            f"{answers.unknown.total()} show classes that the model does not know ({_some(answers.unknown)}). "
            f"It knows {_some(card.labels)}."
        )
    return answers, photos


def _publish(evaluation: Evaluation, photos: LabelledPhotos, answers: Answers, model: Candidate) -> None:
    folder = evaluation.report_path.parent
    report = EvaluationReport(
        evaluation=evaluation,
        photos=photos.words,
        bins=confidence_bins(answers.labels_N(), answers.probabilities_NC()),
        mistakes=answers.surest_mistakes,
        hits=answers.least_sure_hits,
        pairs=answers.pairs,
        looks=_looks(answers, model.maps),
        history=_history(folder),
    )
    write_atomic(evaluation.report_path, report.to_html())
    write_atomic(folder / MODEL_CARD, model_card_in_words(model.card, evaluation, photos.words))
    metrics = json.dumps(evaluation.to_json(), indent=2, ensure_ascii=False) + "\n"
    write_atomic(evaluation.report_path.with_name(METRICS_JSON), metrics)
    _say(evaluation, photos)


def _looks(answers: Answers, maps: ActivationMaps | None) -> list[Look]:
    """Where the model saw the class on one photo of each."""
    if maps is None:
        return []
    return [
        Look(example, maps.of(example.pixels_SSC[None], np.array([label]))[0])
        for label, example in sorted(answers.typical.items())
    ]


def _history(folder: Path) -> list[Epoch]:
    """How the training went; empty where the network was not trained whole."""
    path = folder / HISTORY_JSON
    if not path.exists():
        return []
    return [
        Epoch(each["loss"], each["validation_loss"], each["accuracy"])
        for each in json.loads(path.read_text("utf-8"))["epochs"]
    ]


def _say(evaluation: Evaluation, photos: LabelledPhotos) -> None:
    scores = evaluation.scores
    low, high = evaluation.intervals.accuracy
    accuracy = f"accuracy {scores.accuracy:.4f} ({low:.4f} to {high:.4f})"
    others = f"macro F1 {scores.macro_f1:.4f}, top-5 {scores.top5_accuracy:.4f}, ECE {scores.ece:.4f}"
    luck = f"({evaluation.ece_by_luck[0]:.4f} would be luck)"
    lines = [f"{evaluation.model_id} on {photos.words}: {accuracy}, {others} {luck}"]
    if above := evaluation.supercategories:
        low, high = above.accuracy_interval
        lines.append(
            f"{above.num_supercategories} supercategories: accuracy {above.accuracy:.4f} ({low:.4f} to {high:.4f}), "
            f"macro F1 {above.macro_f1:.4f}"
        )
    if evaluation.comparison:
        other = evaluation.comparison
        lines.append(
            f"{other.model_id} on the same: {other.accuracy:.4f}; {other.difference.only_first:,} photos only the "
            f"first one recognises, {other.difference.only_second:,} only the other (p = "
            f"{other.difference.p_value:.2g})"
        )
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


def _some(labels: Iterable[str]) -> str:
    names = sorted(labels)
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "") if names else "none"
