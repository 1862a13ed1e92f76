"""`model-card.md`: what a model is, how well it does and where its limits are, in words (Mitchell et al. 2019)."""

from __future__ import annotations

from snapshelf.artifacts.cards import ModelCard
from snapshelf.metrics.evaluation import Evaluation
from snapshelf.reports.evaluation import most_confused
from snapshelf.reports.page import render_text

FILE_NAME = "model-card.md"
_NUM_WEAKEST = 5


def model_card_in_words(card: ModelCard, evaluation: Evaluation, photos: str) -> str:
    """The card as Markdown; `photos` says in words which ones the evaluation is of."""
    scores = evaluation.scores
    seen = [(label, each) for label, each in scores.per_class.items() if each.num_photos]
    weakest = sorted((each for each in seen if each[1].f1 < 1.0), key=lambda entry: entry[1].f1)[:_NUM_WEAKEST]
    return render_text(
        "model_card.md",
        card=card,
        evaluation=evaluation,
        scores=scores,
        photos=photos,
        weakest=weakest,
        confusions=most_confused(scores.confusion_CC, list(scores.per_class)),
    )
