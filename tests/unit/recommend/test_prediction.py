"""What is said of a photo: probabilities, verdicts, votes.

Shapes: C classes.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from snapshelf.artifacts.cards import Looks, Verdicts
from snapshelf.recommend.prediction import prediction_beside_products, predictions, vote
from snapshelf.types import Encoding, Neighbour, Prediction, Product, Verdict
from tests.unit.recommend.cards import VERDICTS, card


def said(
    logits_C: NDArray[np.floating], *, temperature: float = 1.0, familiarity: float = 0.0, verdicts: Verdicts = VERDICTS
) -> Prediction:
    """What a model with these numbers in its card says of one photo."""
    changes = {"temperature": temperature, "verdicts": verdicts}
    logits_NC = logits_C[None].astype(np.float32)
    encoding = Encoding(logits_NC, np.ones((1, 1), np.float32), np.array([familiarity], np.float32))
    return predictions(
        encoding, card([f"label {number}" for number in range(len(logits_C))]).model_copy(update=changes)
    )[0]


@pytest.mark.parametrize(
    ("probability", "verdict"), [(0.9, "confident"), (0.89, "likely"), (0.6, "likely"), (0.59, "unsure")]
)
def test_verdicts_begin_at_the_cards_probabilities(probability: float, verdict: Verdict) -> None:
    logits_C = np.log(np.array([probability, 1 - probability]))
    assert said(logits_C + np.array([1e-5, 0])).verdict == verdict


def test_the_temperature_makes_a_model_less_sure() -> None:
    logits_C = np.array([3.0, 0.0])
    assert said(logits_C).probability == pytest.approx(1 / (1 + math.exp(-3)))
    assert said(logits_C, temperature=3.0).probability == pytest.approx(1 / (1 + math.exp(-1)))


def test_what_is_not_familiar_is_unknown_however_sure_the_softmax_is() -> None:
    verdicts = Verdicts(confident=0.9, likely=0.6, unknown_below=-3.0)
    logits_C = np.array([1.9, -20.0])
    unknown = said(logits_C, familiarity=-3.1, verdicts=verdicts)
    assert (unknown.verdict, unknown.label, unknown.probability > 0.99) == ("unknown", "label 0", True)
    assert said(logits_C, familiarity=-2.9, verdicts=verdicts).verdict == "confident"


def test_what_is_hardly_familiar_is_never_called_sure() -> None:
    verdicts = Verdicts(confident=0.9, likely=0.6, unknown_below=-3.0, unsure_below=-1.0)
    assert said(np.array([9.0, 0.0]), familiarity=-1.1, verdicts=verdicts).verdict == "unsure"
    assert said(np.array([9.0, 0.0]), familiarity=-0.9, verdicts=verdicts).verdict == "confident"


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=9))
def test_probabilities_are_sorted_and_no_more_than_one(logits: list[float]) -> None:
    prediction = said(np.array(logits), temperature=0.5)
    probabilities = [each.probability for each in prediction.top]
    assert len(prediction.top) == min(5, len(logits))
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 <= sum(probabilities) <= 1 + 1e-9
    assert (prediction.label, prediction.probability) == (prediction.top[0].label, prediction.top[0].probability)
    assert logits[int(prediction.label.split()[1])] == pytest.approx(max(logits), abs=1e-6)


def near(category: str, similarity: float) -> Neighbour:
    return Neighbour(Product("p", "Title", category), "photo", similarity)


def test_near_voters_outweigh_far_ones() -> None:
    prediction = vote([near("shoe", 0.95), near("bag", 0.6), near("bag", 0.6), near("bag", 0.6)], VERDICTS)
    assert (prediction.label, prediction.verdict) == ("shoe", "likely")


def test_a_split_vote_is_unsure_and_a_clear_one_never_confident() -> None:
    assert vote([near("shoe", 0.8), near("bag", 0.8)], VERDICTS).verdict == "unsure"
    clear = vote([near("shoe", 1.0)] * 10, VERDICTS)
    assert (clear.label, clear.verdict) == ("shoe", "likely")
    assert clear.probability == pytest.approx(1)


def beside(
    nearest: list[Neighbour],
    *,
    logits: tuple[float, float] = (4.0, 0.0),
    familiarity: float = 0.0,
    sold: str = "label 0",
) -> Prediction:
    """What a model of two labels says beside these products; it takes the photo for `label 0`."""
    encoding = Encoding(
        np.array([logits], np.float32), np.ones((1, 1), np.float32), np.array([familiarity], np.float32)
    )
    verdicts = Verdicts(confident=0.9, likely=0.6, unknown_below=-3.0)
    made = card(["label 0", "label 1"]).model_copy(update={"verdicts": verdicts, "looks": Looks()})
    return prediction_beside_products(encoding, made, nearest, {sold})


def test_products_of_known_categories_change_nothing() -> None:
    alone = beside([])
    assert (alone.label, alone.verdict) == ("label 0", "confident")
    assert beside([near("label 1", 0.99), near("Label 0", 0.5)]) == alone


def test_a_category_that_was_never_learnt_is_recognised_by_its_products() -> None:
    prediction = beside([near("lamp", 0.95), near("lamp", 0.9), near("label 0", 0.5)], familiarity=-9.0)
    assert (prediction.label, prediction.verdict) == ("lamp", "likely")
    assert sum(each.probability for each in prediction.top) == pytest.approx(1.0)


def test_a_known_category_wins_where_its_products_are_nearer() -> None:
    prediction = beside([near("label 0", 0.9), near("label 0", 0.9), near("lamp", 0.8)])
    assert (prediction.label, prediction.verdict) == ("label 0", "likely")
    assert {each.label for each in prediction.top} == {"label 0", "label 1", "lamp"}


def test_a_strange_photo_far_from_every_product_stays_unknown() -> None:
    assert beside([near("lamp", 0.6)], familiarity=-9.0).verdict == "unknown"
    assert beside([near("lamp", 0.8)], familiarity=-9.0).verdict == "likely"


def test_a_strange_photo_that_looks_just_like_a_product_is_not_unknown() -> None:
    same = beside([near("LABEL 1", 0.97), near("label 0", 0.4)], familiarity=-9.0)
    assert (same.label, same.verdict) == ("label 1", "likely")
    assert beside([near("lamp", 0.99)], familiarity=-9.0).label == "lamp"
    assert beside([near("label 1", 0.951)], familiarity=-9.0).verdict == "unsure"
    assert beside([near("label 1", 0.94)], familiarity=-9.0).verdict == "unknown"


def test_where_what_it_was_taken_for_has_no_products_the_vote_counts_as_far_as_it_looks_alike() -> None:
    assert beside([near("lamp", 0.55)], sold="lamp").label == "label 0"
    assert beside([near("lamp", 0.9)], sold="lamp").label == "lamp"
    assert beside([near("lamp", 0.55)], sold="LABEL 0").label == "lamp"  # sold, however it is written


@given(
    st.lists(st.tuples(st.sampled_from(["label 0", "LABEL 1", "lamp", "vase"]), st.floats(-1, 1)), max_size=10),
    st.floats(-20, 20),
    st.sampled_from(["label 0", "lamp"]),
)
def test_fused_probabilities_add_up(found: list[tuple[str, float]], familiarity: float, sold: str) -> None:
    prediction = beside([near(*each) for each in found], familiarity=familiarity, sold=sold)
    assert sum(each.probability for each in prediction.top) == pytest.approx(1.0)
    assert prediction.top[0].label == prediction.label
    assert prediction.verdict in ("confident", "likely", "unsure", "unknown")
