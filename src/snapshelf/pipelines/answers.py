"""What a model says of photos whose classes are known, and which of them are worth a look.

Shapes: N photos of classes that the model knows, U of others, S pixels a side, 3 channels, C classes, D numbers an
embedding.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from snapshelf.artifacts.cards import ModelCard
from snapshelf.metrics.calibration import softmax
from snapshelf.pipelines.labelled import LabelledPhoto, LabelledPhotos
from snapshelf.ports import Encoder
from snapshelf.progress import progress
from snapshelf.recommend.prediction import predictions
from snapshelf.reports.evaluation import Example
from snapshelf.reports.page import shrunk
from snapshelf.types import Prediction, Verdict

_BATCH = 64
_EXAMPLES = 24
_EXAMPLES_OF_A_PAIR = 4

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

MOST_TYPICAL = 100
"""Classes of which a photo is kept in full."""

MOST_EMBEDDINGS = 20_000
"""Photos whose embeddings are kept, so that searching each among all takes seconds and some hundred MB."""


@dataclass(slots=True)
class Answers:
    """Of each photo of a known class its label's index and the model's logits; examples; what was unknown."""

    card: ModelCard
    paths: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    logits: list[NDArray[np.float32]] = field(default_factory=list)
    embeddings: list[NDArray[np.float32]] = field(default_factory=list)
    products: list[str | None] = field(default_factory=list)
    verdicts: Counter[tuple[Verdict, bool]] = field(default_factory=Counter)
    """How often which word was given to a right (True) or a wrong answer."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Labels that the model does not know, and how many photos have each."""
    familiarity: list[float] = field(default_factory=list)
    unknown_familiarity: list[float] = field(default_factory=list)
    unknown_verdicts: Counter[Verdict] = field(default_factory=Counter)
    surest_mistakes: list[Example] = field(default_factory=list)
    least_sure_hits: list[Example] = field(default_factory=list)
    pairs: dict[tuple[int, int], list[Example]] = field(default_factory=dict)
    """Of each mix-up, by the indices of the true and the predicted class, the surest few."""
    typical: dict[int, Example] = field(default_factory=dict)
    """Of up to `MOST_TYPICAL` classes, by their index, the right answer that it was surest of, or the first photo where
    none was right; in full size."""

    def labels_N(self) -> NDArray[np.int64]:
        """The true classes."""
        return np.array(self.labels, dtype=np.int64)

    def logits_NC(self) -> NDArray[np.float32]:
        """As the model gives them."""
        return np.concatenate(self.logits)

    def probabilities_NC(self) -> NDArray[np.float64]:
        """Calibrated."""
        return softmax(self.logits_NC(), self.card.temperature)

    def embeddings_ND(self) -> NDArray[np.float32]:
        """Of the first `MOST_EMBEDDINGS` photos."""
        return np.concatenate(self.embeddings)[:MOST_EMBEDDINGS]


def ask(encoder: Encoder, card: ModelCard, photos: LabelledPhotos) -> Answers:
    """Let a model look at all photos."""
    answers = Answers(card)
    class_to_idx = {label: index for index, label in enumerate(card.labels)}
    with progress("Evaluating", photos.total) as step:
        for batch in _batches(photos.photos):
            for photo, said in zip(batch, _asked(encoder, card, batch), strict=True):
                label = class_to_idx.get(photo.label)
                if label is None:
                    _note_unknown(answers, photo, said)
                else:
                    _note(answers, photo, label, said)
            step(len(batch))
    return answers


def ask_about_strangers(encoder: Encoder, answers: Answers, photos: LabelledPhotos) -> None:
    """Let the model that gave these answers look at photos that show nothing it knows, and note what it says."""
    with progress("Strangers", photos.total) as step:
        for batch in _batches(photos.photos):
            for photo, said in zip(batch, _asked(encoder, answers.card, batch), strict=True):
                _note_unknown(answers, photo, said)
            step(len(batch))


@dataclass(frozen=True, slots=True)
class _Said:
    """Of one photo."""

    logits_C: NDArray[np.float32]
    embedding_D: NDArray[np.float32]
    familiarity: float
    prediction: Prediction


def _asked(encoder: Encoder, card: ModelCard, batch: list[LabelledPhoto]) -> list[_Said]:
    encoding = encoder.encode(np.stack([photo.pixels_SSC for photo in batch]))
    familiarity_N = np.full(len(batch), np.nan) if encoding.familiarity_N is None else encoding.familiarity_N
    parts = (encoding.logits_NC, encoding.embedding_ND, familiarity_N.tolist(), predictions(encoding, card))
    return [_Said(*each) for each in zip(*parts, strict=True)]


def _note(answers: Answers, photo: LabelledPhoto, label: int, said: _Said) -> None:
    prediction = said.prediction
    answers.paths.append(photo.path)
    answers.labels.append(label)
    answers.logits.append(said.logits_C[None])
    answers.familiarity.append(said.familiarity)
    answers.products.append(photo.product_id)
    if len(answers.embeddings) < MOST_EMBEDDINGS:
        answers.embeddings.append(said.embedding_D[None])
    is_right = prediction.label == photo.label
    answers.verdicts[prediction.verdict, is_right] += 1
    example = Example(photo.path, photo.label, prediction.label, prediction.probability, photo.pixels_SSC)
    _note_typical(answers, label, example)
    if is_right:
        _keep(answers.least_sure_hits, example, _EXAMPLES, surest=False)
    else:
        _keep(answers.surest_mistakes, example, _EXAMPLES, surest=True)
        pair = (label, answers.card.labels.index(prediction.label))
        _keep(answers.pairs.setdefault(pair, []), example, _EXAMPLES_OF_A_PAIR, surest=True)


def _note_typical(answers: Answers, label: int, example: Example) -> None:
    before = answers.typical.get(label)
    if before is None and len(answers.typical) == MOST_TYPICAL:
        return
    if before is None or _typicality(example) > _typicality(before):
        answers.typical[label] = example


def _typicality(example: Example) -> float:
    return example.probability if example.predicted == example.label else 0.0


def _note_unknown(answers: Answers, photo: LabelledPhoto, said: _Said) -> None:
    answers.unknown[photo.label] += 1
    answers.unknown_familiarity.append(said.familiarity)
    answers.unknown_verdicts[said.prediction.verdict] += 1


def _keep(examples: list[Example], new: Example, most: int, *, surest: bool) -> None:
    """Put an example in its place, the best first, if it is among the best; its photo as small as it will be shown."""
    examples.append(new)
    examples.sort(key=lambda each: each.probability, reverse=surest)
    del examples[most:]
    if (place := next((place for place, each in enumerate(examples) if each is new), None)) is not None:
        examples[place] = replace(new, pixels_SSC=shrunk(new.pixels_SSC))


def _batches(photos: Iterator[LabelledPhoto]) -> Iterator[list[LabelledPhoto]]:
    while batch := list(itertools.islice(photos, _BATCH)):
        yield batch
