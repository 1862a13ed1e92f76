"""From a model's answers to scores.

Shapes: N photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.metrics.bootstrap import score_intervals
from snapshelf.metrics.calibration import error_by_luck, expected_calibration_error, softmax
from snapshelf.metrics.classification import classification_scores, summed_by_group
from snapshelf.metrics.comparison import mcnemar
from snapshelf.metrics.evaluation import Comparison, Evaluation, SupercategoryScores, VerdictCount
from snapshelf.metrics.rejection import RejectionScores, rejection_scores
from snapshelf.metrics.retrieval import retrieval_scores
from snapshelf.pipelines.answers import MOST_EMBEDDINGS, VERDICTS, Answers
from snapshelf.pipelines.labelled import LabelledPhotos
from snapshelf.types import Verdict


def evaluation_of(answers: Answers, photos: LabelledPhotos, other: Answers | None, report_path: Path) -> Evaluation:
    """Score what a model said; `other` is what another one said of the same photos."""
    card, labels_N, logits_NC = answers.card, answers.labels_N(), answers.logits_NC()
    probabilities_NC = answers.probabilities_NC()
    embeddings_ND = answers.embeddings_ND()
    return Evaluation(
        model_id=card.id,
        dataset_id=photos.dataset_id,
        data=photos.data,
        split=photos.split,
        scores=classification_scores(labels_N, probabilities_NC, card.labels),
        intervals=score_intervals(labels_N, probabilities_NC),
        temperature=card.temperature,
        ece_before=expected_calibration_error(softmax(logits_NC), labels_N),
        ece_by_luck=error_by_luck(probabilities_NC),
        verdicts=_verdicts(answers),
        unknown=dict(answers.unknown),
        rejection=_rejection(answers),
        same_class=retrieval_scores(embeddings_ND, labels_N[:MOST_EMBEDDINGS]),
        same_product=retrieval_scores(embeddings_ND, _numbers(answers.products[:MOST_EMBEDDINGS])),
        supercategories=_supercategories(labels_N, probabilities_NC, card.supercategories),
        comparison=_comparison(answers, other) if other else None,
        rejected=sorted(photos.rejected, key=lambda bad: bad.path),
        report_path=report_path,
    )


def _rejection(answers: Answers) -> RejectionScores | None:
    if not answers.unknown_familiarity:
        return None
    return rejection_scores(np.array(answers.familiarity), np.array(answers.unknown_familiarity))


def _supercategories(
    labels_N: NDArray[np.int64], probabilities_NC: NDArray[np.float64], supercategories: Sequence[str]
) -> SupercategoryScores | None:
    if not supercategories:
        return None
    of_N, probabilities_NG, names = summed_by_group(labels_N, probabilities_NC, supercategories)
    scores = classification_scores(of_N, probabilities_NG, names)
    return SupercategoryScores(
        accuracy=scores.accuracy,
        accuracy_interval=score_intervals(of_N, probabilities_NG).accuracy,
        macro_f1=scores.macro_f1,
        ece=scores.ece,
        num_supercategories=len(names),
    )


def _verdicts(answers: Answers) -> dict[Verdict, VerdictCount]:
    counts = {}
    for verdict in VERDICTS:
        right, wrong = answers.verdicts[verdict, True], answers.verdicts[verdict, False]
        counts[verdict] = VerdictCount(
            num_photos=right + wrong,
            precision=right / (right + wrong) if right + wrong else None,
            promised=answers.card.verdicts.promised.get(verdict),
            num_unknown=answers.unknown_verdicts[verdict],
        )
    return counts


def _numbers(products: Sequence[str | None]) -> NDArray[np.int64]:
    """A number for each product; -1 where it is not known."""
    number_of = {product: number for number, product in enumerate(sorted({each for each in products if each}))}
    return np.array([number_of[product] if product else -1 for product in products], np.int64)


def _comparison(answers: Answers, other: Answers) -> Comparison:
    """On the photos that both models could be asked about."""
    mine, theirs = _right(answers), _right(other)
    both = [path for path in mine if path in theirs]
    mine_N, theirs_N = np.array([mine[path] for path in both]), np.array([theirs[path] for path in both])
    return Comparison(
        model_id=other.card.id,
        accuracy=float(theirs_N.mean()),
        accuracy_of_this=float(mine_N.mean()),
        num_photos=len(both),
        difference=mcnemar(mine_N, theirs_N),
    )


def _right(answers: Answers) -> dict[str, bool]:
    right_N = answers.logits_NC().argmax(axis=1) == answers.labels_N()
    return dict(zip(answers.paths, right_N.tolist(), strict=True))
