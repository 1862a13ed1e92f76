"""A photo → a prediction that is honest, products in order, reasons that are true.

Shapes: C classes.
"""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from snapshelf.adapters.exact_index import ExactIndex
from snapshelf.artifacts.cards import Looks, ModelCard, Verdicts
from snapshelf.errors import RequestError
from snapshelf.recommend import NOTHING_KNOWN, Recommender, check_request, predictions, reason, vote
from snapshelf.types import Box, Encoding, Filters, Neighbour, Prediction, Product, ProductPhoto, Verdict
from tests.mean_colour import MeanColour
from tests.tiny_store import COLOURS, photo

LABELS = list(COLOURS)
BLUE, GREEN, RED = COLOURS.values()
VERDICTS = Verdicts(confident=0.9, likely=0.6)


def card(labels: list[str]) -> ModelCard:
    return ModelCard(
        id="m",
        backbone="mean-colour",
        recipe="quick",
        weights="none",
        dataset_id=None,
        seed=0,
        labels=labels,
        preprocess=MeanColour.preprocess,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        embedding_dim=3,
        verdicts=VERDICTS,
        onnx_sha256="",
        export_max_probability_difference=0,
    )


@pytest.fixture
def index() -> ExactIndex:
    """Four products of each colour, one of them expensive."""
    made = ExactIndex(3)
    for label, colour in COLOURS.items():
        for number in range(4):
            product = Product(f"{label}-{number}", label.title(), label, 10.0 * number)
            made.upsert([ProductPhoto(product.id, "", product)], MeanColour().embedding(photo(colour, number))[None])
    return made


def recommender(index: ExactIndex, *, with_labels: bool = True) -> Recommender:
    return Recommender(MeanColour(with_labels=with_labels), card(LABELS if with_labels else []), index)


def test_a_clear_photo_gets_its_category_and_products_of_it(index: ExactIndex) -> None:
    answer = recommender(index).recommend(photo(RED, 99), top_k=4)
    assert (answer.prediction.label, answer.prediction.verdict) == ("red thing", "confident")
    assert [each.product.category for each in answer.recommendations] == ["red thing"] * 4
    assert {each.reason for each in answer.recommendations} == {"same category, very similar look"}
    similarities = [each.similarity for each in answer.recommendations]
    assert similarities == sorted(similarities, reverse=True)
    assert min(answer.encode_s, answer.search_s) > 0


def test_filters_and_diversity_reach_the_index(index: ExactIndex) -> None:
    cheap = recommender(index).recommend(photo(RED), filters=Filters(category="blue thing", price_max=10), top_k=9)
    assert sorted(each.product.id for each in cheap.recommendations) == ["blue thing-0", "blue thing-1"]
    assert all(each.reason.startswith("other category") for each in cheap.recommendations)
    varied = recommender(index).recommend(photo(RED), top_k=3, diversity=1.0)
    assert len({each.product.category for each in varied.recommendations}) == 3


def test_a_box_searches_for_its_part_alone(index: ExactIndex) -> None:
    both = photo(RED, size=(80, 40))
    both.paste(photo(BLUE, size=(40, 40)), (40, 0))
    right = recommender(index).recommend(both, box=Box(0.5, 0, 0.5, 1))
    assert right.prediction.label == "blue thing"
    assert right.recommendations[0].product.category == "blue thing"


def test_a_box_outside_the_photo_is_refused(index: ExactIndex) -> None:
    with pytest.raises(RequestError, match="not inside the photo"):
        recommender(index).recommend(photo(RED), box=Box(0.6, 0, 0.5, 1))


def test_a_model_without_labels_asks_the_nearest_products(index: ExactIndex) -> None:
    prediction = recommender(index, with_labels=False).recommend(photo(GREEN, 99), top_k=1).prediction
    assert (prediction.label, prediction.verdict) == ("green thing", "likely")
    assert sum(each.probability for each in prediction.top) == pytest.approx(1)


def test_without_labels_and_products_nothing_is_known() -> None:
    answer = recommender(ExactIndex(3), with_labels=False).recommend(photo(RED))
    assert (answer.prediction, answer.recommendations) == (NOTHING_KNOWN, ())
    assert (NOTHING_KNOWN.label, NOTHING_KNOWN.verdict, NOTHING_KNOWN.probability) == ("unknown", "unknown", 0)


def test_an_answer_can_be_written_as_json(index: ExactIndex) -> None:
    answer = json.loads(json.dumps(recommender(index).recommend(photo(RED), top_k=2).to_json()))
    assert answer["prediction"]["top"][0]["label"] == answer["prediction"]["label"] == "red thing"
    assert answer["recommendations"][0]["product"]["category"] == "red thing"
    assert set(answer["recommendations"][0]) == {"product", "similarity", "reason"}
    assert set(answer["timing_ms"]) == {"encode", "search"}


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


@pytest.mark.parametrize(
    ("similarity", "look"),
    [(1.0, "very similar look"), (0.9, "very similar look"), (0.89, "similar look"), (0.75, "similar look"),
     (0.74, "somewhat similar look"), (0.5, "somewhat similar look"), (0.49, "the nearest there is"),
     (-1.0, "the nearest there is")],
)  # fmt: skip
def test_reasons_say_how_alike(similarity: float, look: str) -> None:
    sure = Prediction("Shoe", 0.9, "confident", ())
    assert reason(near("shoe", similarity), sure, Looks()) == f"same category, {look}"
    assert reason(near("bag", similarity), sure, Looks()) == f"other category, {look}"


@pytest.mark.parametrize("verdict", ["unsure", "unknown"])
def test_reasons_claim_no_category_that_is_not_sure(verdict: Verdict) -> None:
    assert reason(near("shoe", 0.8), Prediction("shoe", 0.4, verdict, ()), Looks()) == "similar look"


@pytest.mark.parametrize(
    ("top_k", "filters", "diversity", "message"),
    [
        (0, Filters(), 0.0, "top_k is 0; expected a whole number from 1 to 100"),
        (101, Filters(), 0.0, "top_k is 101"),
        (1, Filters(), -0.1, "diversity is -0.1; expected a number from 0"),
        (1, Filters(), 1.1, "diversity is 1.1"),
        (1, Filters(), math.nan, "diversity is nan"),
        (1, Filters(price_min=-1), 0.0, "price_min is -1; expected a price of 0 or more"),
        (1, Filters(price_max=math.inf), 0.0, "price_max is inf"),
        (1, Filters(price_max=math.nan), 0.0, "price_max is nan"),
        (1, Filters(price_min=5, price_max=4), 0.0, "price_min is 5, above price_max, which is 4"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(
    index: ExactIndex, top_k: int, filters: Filters, diversity: float, message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        recommender(index).recommend(photo(RED), top_k=top_k, filters=filters, diversity=diversity)


@pytest.mark.parametrize("top_k", [1, 100])
def test_the_ends_of_the_ranges_are_allowed(top_k: int) -> None:
    for diversity in (0.0, 1.0):
        check_request(top_k, Filters(price_min=4, price_max=4), diversity)
    check_request(top_k, Filters(price_min=0, price_max=0), 0.0)


def test_a_box_needs_more_pixels_of_the_whole_photo(index: ExactIndex) -> None:
    made = recommender(index)
    assert made.needed_px(None) == 16
    assert made.needed_px(Box(0, 0, 0.5, 0.25)) == 64
    assert made.needed_px(Box(0, 0, 1, 1)) == 16
    for strange in (Box(0, 0, 0, 1), Box(0, 0, -1, 1), Box(0, 0, 0.001, 1), Box(0, 0, math.nan, math.nan)):
        assert made.needed_px(strange) is None
