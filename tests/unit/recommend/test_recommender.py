"""A photo, or products that are liked → products in order, with what is known of them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from snapshelf.adapters.exact_index import ExactIndex
from snapshelf.errors import ProductNotFoundError, RequestError
from snapshelf.recommend.options import SearchOptions
from snapshelf.recommend.prediction import NOTHING_KNOWN
from snapshelf.recommend.recommender import Answer, Recommender
from snapshelf.types import Box, Filters, Product, ProductPhoto
from tests.mean_colour import MeanColour
from tests.tiny_store import COLOURS, photo
from tests.unit.recommend.cards import card

LABELS = list(COLOURS)
BLUE, GREEN, RED = COLOURS.values()


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
    answer = recommender(index).recommend(photo(RED, 99), SearchOptions(top_k=4))
    assert (answer.prediction.label, answer.prediction.verdict) == ("red thing", "confident")
    assert [each.product.category for each in answer.recommendations] == ["red thing"] * 4
    assert {each.reason for each in answer.recommendations} == {"same category, very similar look"}
    similarities = [each.similarity for each in answer.recommendations]
    assert similarities == sorted(similarities, reverse=True)
    assert min(answer.encode_s, answer.search_s) > 0


def test_filters_and_diversity_reach_the_index(index: ExactIndex) -> None:
    cheap = recommender(index).recommend(
        photo(RED), SearchOptions(top_k=9, filters=Filters(category="blue thing", price_max=10))
    )
    assert sorted(each.product.id for each in cheap.recommendations) == ["blue thing-0", "blue thing-1"]
    assert all(each.reason.startswith("other category") for each in cheap.recommendations)
    varied = recommender(index).recommend(photo(RED), SearchOptions(top_k=3, diversity=1.0))
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
    prediction = recommender(index, with_labels=False).recommend(photo(GREEN, 99), SearchOptions(top_k=1)).prediction
    assert (prediction.label, prediction.verdict) == ("green thing", "likely")
    assert sum(each.probability for each in prediction.top) == pytest.approx(1)


def test_without_labels_and_products_nothing_is_known() -> None:
    answer = recommender(ExactIndex(3), with_labels=False).recommend(photo(RED))
    assert (answer.prediction, answer.recommendations) == (NOTHING_KNOWN, ())
    assert (NOTHING_KNOWN.label, NOTHING_KNOWN.verdict, NOTHING_KNOWN.probability) == ("unknown", "unknown", 0)


def test_an_answer_can_be_written_as_json(index: ExactIndex) -> None:
    answer = json.loads(json.dumps(recommender(index).recommend(photo(RED), SearchOptions(top_k=2)).to_json()))
    assert answer["prediction"]["top"][0]["label"] == answer["prediction"]["label"] == "red thing"
    assert answer["recommendations"][0]["product"]["category"] == "red thing"
    assert set(answer["recommendations"][0]) == {"product", "similarity", "reason"}
    assert set(answer["timing_ms"]) == {"encode", "search"}


def test_a_box_needs_more_pixels_of_the_whole_photo(index: ExactIndex) -> None:
    made = recommender(index)
    assert made.needed_px(None) == 16
    assert made.needed_px(Box(0, 0, 0.5, 0.25)) == 64
    assert made.needed_px(Box(0, 0, 1, 1)) == 16
    for strange in (Box(0, 0, 0, 1), Box(0, 0, -1, 1), Box(0, 0, 0.001, 1), Box(0, 0, math.nan, math.nan)):
        assert made.needed_px(strange) is None


def test_an_option_that_cannot_be_is_refused(index: ExactIndex) -> None:
    with pytest.raises(RequestError, match="top_k is 0"):
        recommender(index).recommend(photo(RED), SearchOptions(top_k=0))
    with pytest.raises(RequestError, match="top_k is 0"):
        recommender(index).similar(SearchOptions(top_k=0, liked=("red thing-0",)))


def test_more_like_a_product_comes_without_it(index: ExactIndex) -> None:
    found = recommender(index).similar(SearchOptions(top_k=3, liked=("red thing-0",)))
    assert [each.product.id for each in found] != []
    assert {each.product.id for each in found} == {"red thing-1", "red thing-2", "red thing-3"}
    assert {each.reason.split(",")[0] for each in found} == {"same category"}


def test_unlike_a_product_turns_away_from_it(index: ExactIndex) -> None:
    violet = Product("violet", "Violet", "violet thing")
    index.upsert([ProductPhoto("violet", "", violet)], MeanColour().embedding(photo((180, 50, 190)))[None])
    liked = SearchOptions(top_k=12, liked=("violet",))
    unlike_blue = SearchOptions(top_k=12, liked=("violet",), disliked=("blue thing-0",))

    def place_of_blue(options: SearchOptions) -> int:
        order = [each.product.category for each in recommender(index).similar(options)]
        return order.index("blue thing")

    assert place_of_blue(unlike_blue) > place_of_blue(liked)


def test_a_photo_may_be_bent_towards_a_product(index: ExactIndex) -> None:
    plain = recommender(index).recommend(photo(RED, 99))
    bent = recommender(index).recommend(photo(RED, 99), SearchOptions(liked=("blue thing-0",)))
    assert {each.product.category for each in plain.recommendations[:3]} == {"red thing"}
    assert bent.prediction == plain.prediction
    assert "blue thing-0" not in [each.product.id for each in bent.recommendations]

    def similarity_to_blue(answer: Answer) -> float:
        return max(each.similarity for each in answer.recommendations if each.product.category == "blue thing")

    assert similarity_to_blue(bent) > similarity_to_blue(plain)


def test_examples_must_be_there(index: ExactIndex) -> None:
    made = recommender(index)
    with pytest.raises(RequestError, match="No product is liked"):
        made.similar(SearchOptions())
    for options in (SearchOptions(liked=("none",)), SearchOptions(liked=("red thing-0",), disliked=("none",))):
        with pytest.raises(ProductNotFoundError, match="no product 'none'"):
            made.similar(options)
    with pytest.raises(ProductNotFoundError, match="no product 'none'"):
        made.match(photo(RED), "none")


def test_the_part_that_matches_is_found(index: ExactIndex) -> None:
    half = photo((90, 90, 90), size=(112, 112))
    half.paste(photo(RED, size=(56, 112)), (0, 0))
    similarity, map_GG = recommender(index).match(half, "red thing-0")
    assert -1 <= similarity <= 1
    assert map_GG.shape == (7, 7)
    assert (map_GG.min() >= 0, float(map_GG.max())) == (True, 1.0)
    assert map_GG[:, :3].mean() > 5 * map_GG[:, 5:].mean()
    assert np.isfinite(map_GG).all()
