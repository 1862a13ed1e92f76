"""Hold-one-out: what is held out, what is asked, and that figures are what one computes by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshelf.together.methods import METHODS
from snapshelf.together.partners import find_partners
from snapshelf.together.validation import (
    MIN_QUESTIONS,
    Questions,
    Score,
    ask,
    bestseller_ranks,
    hold_out,
    ranks,
    score,
    validate,
)
from tests.baskets import orders_of

PAIRED = [{f"a{number}", f"b{number}"} for number in range(20)]


def test_the_latest_tenth_is_held_out_where_every_order_has_a_date() -> None:
    orders = orders_of([{"a"}] * 20, days=[5, *range(100, 119)])
    assert np.flatnonzero(hold_out(orders, seed=0)).tolist() == [18, 19]


@pytest.mark.parametrize("days", [None, [7] * 20, [*range(19), float("nan")]])
def test_a_random_tenth_is_held_out_where_dates_do_not_tell(days: list[float] | None) -> None:
    orders = orders_of([{"a"}] * 20, days=days)
    parts = {tuple(np.flatnonzero(hold_out(orders, seed=seed)).tolist()) for seed in range(10)}
    assert {len(part) for part in parts} == {2}
    assert len(parts) > 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abcdef"), min_size=1), min_size=1, max_size=20), st.integers(0, 9))
def test_shown_and_hidden_are_two_products_of_one_order(baskets: list[set[str]], seed: int) -> None:
    orders = orders_of(baskets)
    questions = ask(orders, seed=seed)
    several = [basket for basket in baskets if len(basket) > 1]
    assert len(questions.shown_Q) == len(several)
    for basket, shown, hidden in zip(several, questions.shown_Q, questions.hidden_Q, strict=True):
        pair = {orders.product_ids[shown], orders.product_ids[hidden]}
        assert len(pair) == 2
        assert pair <= basket


def test_ranks_are_places_in_the_list() -> None:
    orders = orders_of([{"a", "b"}] * 4 + [{"a", "c"}] * 3 + [{"x"}] * 10)
    a, b, c, x = range(4)
    found = find_partners(orders, METHODS)["count"]
    asked = Questions(np.array([a, a, c, a, x]), np.array([b, c, a, x, a]))
    assert ranks(found, asked).tolist() == [1, 2, 1, np.inf, np.inf]


def test_bestsellers_are_ranked_without_the_product_that_is_shown() -> None:
    asked = Questions(np.array([0, 2, 1]), np.array([1, 1, 0]))
    assert bestseller_ranks(np.array([9, 5, 1]), asked).tolist() == [1, 2, 1]


def test_hit_rate_and_mrr_by_hand() -> None:
    assert score(np.array([1, 2, 11, np.inf])) == Score(0.5, round((1 + 1 / 2 + 1 / 11) / 4, 4))


def test_what_is_always_bought_together_is_found_and_beats_the_bestsellers() -> None:
    validation = validate(orders_of(PAIRED * 60, days=range(1200)), seed=0)
    assert (validation.by_date, validation.num_questions) == (True, 120)
    assert validation.scores == {name: Score(1.0, 1.0) for name in METHODS}
    assert validation.bestsellers is not None
    assert validation.bestsellers.mrr < 0.5
    assert validation.chosen == "lift"


def test_nothing_is_learnt_from_what_is_held_out() -> None:
    days = range(1100)
    swapped = [{f"a{number % 20}", f"b{(number + 1) % 20}"} for number in range(110)]
    validation = validate(orders_of((PAIRED * 50)[:990] + swapped, days=days), seed=0)
    assert validation.scores["lift"] == Score(0.0, 0.0)


def test_too_few_questions_choose_nothing() -> None:
    validation = validate(orders_of(PAIRED * 5), seed=0)
    assert validation.num_questions < MIN_QUESTIONS
    assert (validation.scores, validation.bestsellers, validation.chosen) == ({}, None, "lift")
