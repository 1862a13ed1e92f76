from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from snapshelf.artifacts.cards import ModelCard, Verdicts
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.metrics.bootstrap import score_intervals
from snapshelf.metrics.classification import classification_scores
from snapshelf.metrics.evaluation import Evaluation, SupercategoryScores, VerdictCount
from snapshelf.metrics.rejection import RejectionScores
from snapshelf.metrics.retrieval import RetrievalScores
from snapshelf.reports.model_card import model_card_in_words

LABELS = ["hat", "cap", "a *bold* #one"]
LABELS_N = np.array([0, 1, 0, 1])
PROBABILITIES_NC = np.tile(np.array([0.7, 0.2, 0.1]), (4, 1))

CARD = ModelCard(
    id="compact-quick-1", backbone="compact", recipe="quick", weights="none", dataset_id="shop-1", seed=3,
    labels=LABELS,
    preprocess=Preprocess(size_px=28), mean=(0, 0, 0), std=(1, 1, 1), embedding_dim=96, onnx_sha256="ab12",
    verdicts=Verdicts(confident=0.9, likely=0.6), export_max_probability_difference=1.2e-6,
    training={"seconds": 1200.0, "num_photos": 3000, "epochs": 12}, validation={"num_photos": 300},
)  # fmt: skip

EVALUATION = Evaluation(
    model_id="compact-quick-1",
    dataset_id="shop-1",
    data=None,
    split="validation",
    scores=classification_scores(LABELS_N, PROBABILITIES_NC, LABELS),
    intervals=score_intervals(LABELS_N, PROBABILITIES_NC),
    temperature=1.5,
    ece_before=0.25,
    ece_by_luck=(0.03, 0.05),
    verdicts={"confident": VerdictCount(3, 2 / 3, 0.95, 1), "unsure": VerdictCount(0, None, None, 0)},
    unknown={},
    rejection=None,
    same_class=RetrievalScores(0.9, 0.95, 0.98, 0.6, 4),
    same_product=None,
    supercategories=SupercategoryScores(0.975, (0.95, 0.99), 0.9, 0.02, 2),
    comparison=None,
    rejected=[],
    report_path=Path("report.html"),
)


def test_it_says_what_the_model_is_how_it_was_made_and_how_well_it_does() -> None:
    text = model_card_in_words(CARD, EVALUATION, "the 4 validation photos of shop-1")
    assert text.startswith("# compact-quick-1\n")
    for said in (
        "tells 3 kinds of things apart",
        "`compact`, with random weights",
        "12 epochs of the whole network, seed 3, 20 min",
        "Learnt from 3,000 photos of the data set `shop-1`; 300 others",
        "further than 1e-06",
        "names 50.0 % of them rightly",
        "Its weakest classes: cap (F1 0.0 %, 2 photos), hat",
        "cap taken for hat (2)",
        "to which of 2 supercategories a photo belongs, it is right for 97.5 % (95.0 to 99.0 %)",
        "Called «confident»: 3 photos, of which 66.7 % rightly named; 95.0 % were promised.",
        "No photo of an unknown class was among them",
        "by which the model was chosen and calibrated",
    ):
        assert said in text
    assert "«unsure»" not in text


def test_what_users_named_is_no_markdown() -> None:
    assert r"a \*bold\* \#one" in model_card_in_words(CARD, EVALUATION, "the photos")


def test_on_test_photos_with_unknown_ones_it_tells_of_those() -> None:
    tested = replace(EVALUATION, split="test", unknown={"shoe": 4}, rejection=RejectionScores(0.875, 0.3, 4, 4))
    text = model_card_in_words(CARD, tested, "the photos")
    assert "Photos of 1 classes" not in text
    assert "AUROC of 87.5 %" in text
    assert "No photo of an unknown class" not in text
    assert "by which the model was chosen and calibrated" not in text


def test_a_card_that_counts_nothing_leaves_that_out() -> None:
    bare = CARD.model_copy(update={"training": {}, "validation": {}})
    assert "Learnt from" not in model_card_in_words(bare, EVALUATION, "the photos")
