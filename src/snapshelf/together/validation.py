"""Does it find what customers really took along? One product of each held-out order is hidden, and asked for.

Shapes: O orders, P products, Q questions, K partners of all products.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.orders import Orders
from snapshelf.together.methods import METHODS
from snapshelf.together.pairs import count_products
from snapshelf.together.partners import Partners, find_partners

HELD_OUT = 0.1
"""The share of the orders that nothing is learnt from."""

TOP = 10
"""The hidden product counts as found among so many."""

MIN_QUESTIONS = 100
"""With fewer, chance would choose the method."""


@dataclass(frozen=True, slots=True)
class Score:
    """How a method did: the share of hidden products among its first `TOP`, and the mean of 1 / rank, 0 where the
    hidden one is not listed."""

    hit_rate_at_10: float
    mrr: float


@dataclass(frozen=True, slots=True)
class Validation:
    """What was compared. Without enough questions there are no scores, and the first method is chosen."""

    by_date: bool
    """Whether the latest orders were held out; else a random part of them."""
    num_questions: int
    scores: dict[str, Score]
    bestsellers: Score | None
    """What showing everybody the same products would come to."""
    chosen: str


@dataclass(frozen=True, slots=True)
class Questions:
    """Of each held-out order of several products: one that is shown, another that is to be found, (Q,)."""

    shown_Q: NDArray[np.int64]
    hidden_Q: NDArray[np.int64]


def validate(orders: Orders, *, seed: int) -> Validation:
    """Learn from nine tenths of the orders with every method, and ask for the others'. The best MRR is chosen."""
    held_out_O = hold_out(orders, seed=seed)
    questions = ask(orders.only(held_out_O), seed=seed)
    by_date, num_questions = has_dates(orders), len(questions.shown_Q)
    if num_questions < MIN_QUESTIONS:
        return Validation(by_date, num_questions, {}, None, next(iter(METHODS)))
    learnt = orders.only(~held_out_O)
    found = find_partners(learnt, METHODS)
    scores = {name: score(ranks(partners, questions)) for name, partners in found.items()}
    bestsellers = score(bestseller_ranks(count_products(learnt), questions))
    return Validation(by_date, num_questions, scores, bestsellers, max(scores, key=lambda name: scores[name].mrr))


def has_dates(orders: Orders) -> bool:
    """Whether every order says when it was, and not all at the same time."""
    at_O = orders.ordered_at_O
    return len(at_O) > 1 and not np.isnan(at_O).any() and bool(np.ptp(at_O) > 0)


def hold_out(orders: Orders, *, seed: int) -> NDArray[np.bool_]:
    """Which orders nothing is learnt from, (O,): the latest tenth where every order has a date, else a random tenth."""
    if has_dates(orders):
        order = np.argsort(orders.ordered_at_O, kind="stable")
    else:
        order = np.random.default_rng(seed).permutation(len(orders))
    held_out_O = np.zeros(len(orders), np.bool_)
    held_out_O[order[len(orders) - round(HELD_OUT * len(orders)) :]] = True
    return held_out_O


def ask(orders: Orders, *, seed: int) -> Questions:
    """A product to show and another to find, drawn from each order that has two."""
    random = np.random.default_rng(seed)
    several_O = orders.size_O > 1
    size_Q, start_Q = orders.size_O[several_O], orders.start_O[:-1][several_O]
    hidden_Q = random.integers(0, size_Q)
    shown_Q = (hidden_Q + random.integers(1, size_Q)) % size_Q
    return Questions(
        orders.product_L[start_Q + shown_Q].astype(np.int64), orders.product_L[start_Q + hidden_Q].astype(np.int64)
    )


def ranks(partners: Partners, questions: Questions) -> NDArray[np.float64]:
    """The place of each hidden product among the shown one's partners, (Q,); from 1, infinite where it is not there."""
    num_products = len(partners.first_P) - 1
    product_K = np.repeat(np.arange(num_products), np.diff(partners.first_P))
    key_K = product_K * num_products + partners.other_K
    sorter_K = np.argsort(key_K)
    wanted_Q = questions.shown_Q * num_products + questions.hidden_Q
    place_Q = np.searchsorted(key_K, wanted_Q, sorter=sorter_K)
    there_Q = place_Q < len(key_K)
    there_Q[there_Q] = key_K[sorter_K[place_Q[there_Q]]] == wanted_Q[there_Q]
    rank_Q = np.full(len(wanted_Q), np.inf)
    rank_Q[there_Q] = sorter_K[place_Q[there_Q]] - partners.first_P[questions.shown_Q[there_Q]] + 1
    return rank_Q


def bestseller_ranks(num_orders_P: NDArray[np.int64], questions: Questions) -> NDArray[np.float64]:
    """The place of each hidden product among what is bought most, the shown one left out, (Q,)."""
    rank_P = np.empty(len(num_orders_P))
    rank_P[np.argsort(-num_orders_P, kind="stable")] = np.arange(1, len(num_orders_P) + 1)
    rank_Q: NDArray[np.float64] = rank_P[questions.hidden_Q]
    return rank_Q - (rank_P[questions.shown_Q] < rank_Q)


def score(rank_Q: NDArray[np.float64]) -> Score:
    """The two figures of some ranks."""
    return Score(hit_rate_at_10=round(float((rank_Q <= TOP).mean()), 4), mrr=round(float((1 / rank_Q).mean()), 4))


def as_json(scores: Mapping[str, Score]) -> dict[str, dict[str, float]]:
    """Scores as the card and the command line give them."""
    return {name: {"hit_rate_at_10": each.hit_rate_at_10, "mrr": each.mrr} for name, each in scores.items()}
