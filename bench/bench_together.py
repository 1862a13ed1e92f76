"""By which score are products found that are bought together?

    python bench/bench_together.py [ORDERS …] [--column order_id=basket_id …]

Of each held-out order one product is hidden; shown is one other product of it, or all others. Prints the share of
hidden products among the first ten, and the mean of 1 / rank among the first hundred; the last line is JSON.

Two shops are made up (see `generated`); ORDERS are tables of real ones, with the columns that `snapshelf orders` wants,
or with their names after --column. Where the library `implicit` is installed, its models are asked the same.

Shapes: O orders, L lines, P products, Q questions, T topics, K partners.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from snapshelf.data.orders import Orders, read_orders
from snapshelf.together.methods import METHODS, Method, shrunk_lift
from snapshelf.together.pairs import Pairs, count_products, is_evidence
from snapshelf.together.partners import Partners, find_partners
from snapshelf.together.validation import Questions, ask, bestseller_ranks, hold_out, ranks, score

LISTED = 100
MOST_QUESTIONS = 10_000
SHRINKAGES = (5.0, 100.0)

Ranks = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Task:
    """What is learnt from, and what is asked: `shown_QP` is 1 for every other product of the hidden one's order."""

    learnt: Orders
    questions: Questions
    shown_QP: csr_matrix


def main() -> None:
    """Ask every method about every shop, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("orders", nargs="*", type=Path)
    parser.add_argument("--column", action="append", default=[], metavar="OURS=THEIRS")
    options = parser.parse_args()
    columns = dict(each.split("=", 1) for each in options.column)
    if not options.orders:
        print("Skipped: real orders; name a table of them.")
    shops: dict[str, Callable[[], Orders]] = {
        "made up, 3,000 orders": partial(generated, num_orders=3_000, num_products=500, seed=1),
        "made up, 100,000 orders": partial(generated, num_orders=100_000, num_products=10_000, seed=2),
    }
    for path in options.orders:
        shops[path.name] = partial(read_orders, path, columns)
    results = {name: measured(name, task_of(read())) for name, read in shops.items()}
    print(json.dumps(results))


def measured(name: str, task: Task) -> dict[str, dict[str, float]]:
    """Every method's figures for one shop."""
    print(f"{name}: {len(task.learnt):,} orders learnt from, {task.shown_QP.shape[0]:,} asked about")
    print(f"{'':34}given one: hit@10  MRR     given all others: hit@10  MRR     seconds")
    results = {}
    for method, one_Q, all_Q, seconds in answers(task):
        one, every = score(one_Q), score(all_Q)
        print(
            f"  {method:32}           {one.hit_rate_at_10:.3f}   {one.mrr:.3f}                     "
            f"{every.hit_rate_at_10:.3f}   {every.mrr:.3f}   {seconds:.1f}"
        )
        results[method] = {
            "hit_one": one.hit_rate_at_10, "mrr_one": one.mrr, "hit_all": every.hit_rate_at_10, "mrr_all": every.mrr,
            "seconds": round(seconds, 1),
        }  # fmt: skip
    return results


def answers(task: Task) -> Iterator[tuple[str, Ranks, Ranks, float]]:
    """Each method with the hidden products' ranks, given one other product and all of them, and the seconds."""
    bestsellers_Q = bestseller_ranks(count_products(task.learnt), task.questions)
    yield "bestsellers", bestsellers_Q, bestsellers_Q, 0.0
    methods: dict[str, Method] = dict(METHODS)
    for shrinkage in SHRINKAGES:
        methods[f"lift, shrunk by {shrinkage:g}"] = partial(shrunk_lift, shrinkage=shrinkage)
    methods["lift as it is"] = bare_lift
    started = time.perf_counter()
    found = find_partners(task.learnt, methods)
    seconds = (time.perf_counter() - started) / len(methods)
    for name, partners in found.items():
        yield name, ranks(partners, task.questions), ranks_given_all(task, partners), seconds
    yield from implicit_answers(task)


def bare_lift(pairs: Pairs) -> NDArray[np.float64]:
    """How many times more often than by chance."""
    lift_M: NDArray[np.float64] = pairs.support_M / pairs.expected_M
    return lift_M


def ranks_given_all(task: Task, partners: Partners) -> Ranks:
    """The scores of all shown products' partners added up."""
    num_products = len(partners.first_P) - 1
    score_PP = csr_matrix((partners.score_K, partners.other_K, partners.first_P), shape=(num_products, num_products))
    score_QP = (task.shown_QP @ score_PP).tocsr()
    rank_Q = np.full(score_QP.shape[0], np.inf)
    for row, hidden in enumerate(task.questions.hidden_Q):
        part = slice(score_QP.indptr[row], score_QP.indptr[row + 1])
        values, products = score_QP.data[part], score_QP.indices[part]
        mine = values[products == hidden]
        if len(mine):
            shown = task.shown_QP.indices[task.shown_QP.indptr[row] : task.shown_QP.indptr[row + 1]]
            rank_Q[row] = 1 + ((values > mine[0]) & ~np.isin(products, shown)).sum()
    return rank_Q


def implicit_answers(task: Task) -> Iterator[tuple[str, Ranks, Ranks, float]]:
    """What the models of the library `implicit` say, if it is there."""
    try:
        from implicit.als import AlternatingLeastSquares  # noqa: PLC0415 (no dependency of ours)
        from implicit.nearest_neighbours import BM25Recommender, CosineRecommender  # noqa: PLC0415
    except ModuleNotFoundError:
        print("  Skipped: the library implicit is not installed.")
        return
    warnings.filterwarnings("ignore", module="implicit")
    bought_OP = lines_of(task.learnt)
    shown_Q = task.questions.shown_Q
    ones_Q = np.ones(len(shown_Q), np.float32)
    one_QP = csr_matrix((ones_Q, shown_Q, np.arange(len(shown_Q) + 1)), shape=task.shown_QP.shape)
    models = {
        "implicit: ALS, 64 factors": AlternatingLeastSquares(factors=64, random_state=0),
        "implicit: cosine": CosineRecommender(K=LISTED),
        "implicit: BM25": BM25Recommender(K=LISTED),
    }
    for name, model in models.items():
        started = time.perf_counter()
        model.fit(bought_OP, show_progress=False)
        seconds = time.perf_counter() - started
        one_Q, all_Q = (
            ranks_among(
                model.recommend(np.arange(given_QP.shape[0]), given_QP, N=LISTED, recalculate_user=True)[0],
                task.questions,
            )
            for given_QP in (one_QP, task.shown_QP)
        )
        yield name, one_Q, all_Q, seconds


def ranks_among(listed_QK: NDArray[Any], questions: Questions) -> Ranks:
    """The place of each hidden product in a list."""
    is_hidden_QK = listed_QK == questions.hidden_Q[:, None]
    return np.where(is_hidden_QK.any(1), is_hidden_QK.argmax(1) + 1.0, np.inf)


def task_of(orders: Orders) -> Task:
    """As `snapshelf orders` parts it, with all other products of an order beside the one."""
    orders = orders.only(is_evidence(orders))
    held_out_O = hold_out(orders, seed=0)
    held = orders.only(held_out_O)
    kept = np.flatnonzero(held.size_O > 1)
    chosen_O = np.zeros(len(held), np.bool_)
    chosen_O[np.random.default_rng(0).permutation(kept)[:MOST_QUESTIONS]] = True
    held = held.only(chosen_O)
    questions = ask(held, seed=0)
    shown_QP = lines_of(held)
    shown_QP[np.arange(len(held)), questions.hidden_Q] = 0
    shown_QP.eliminate_zeros()
    return Task(orders.only(~held_out_O), questions, shown_QP)


def lines_of(orders: Orders) -> csr_matrix:
    """1 where an order had a product, (O, P)."""
    ones_L = np.ones(len(orders.product_L), np.float32)
    return csr_matrix((ones_L, orders.product_L, orders.start_O), shape=(len(orders), len(orders.product_ids)))


def generated(*, num_orders: int, num_products: int, seed: int) -> Orders:
    """Orders of a shop that is made up: what is bought depends on what the order is for.

    A product's popularity falls with its rank (Zipf). An order is for one or two of 60 topics, each with one of 25
    products; of its products 7 of 10 are of its topics, the others whatever is popular; and one product in six
    brings the one accessory that goes with it. A third of the orders has a single product.
    """
    random = np.random.default_rng(seed)
    popularity_P = 1 / np.arange(1, num_products + 1) ** 0.8
    popularity_P = random.permutation(popularity_P / popularity_P.sum())
    accessory_P = random.permutation(num_products)
    num_topics = 60
    topics = [random.choice(num_products, num_products // 25, replace=False) for _ in range(num_topics)]
    draws = [_drawn(random, popularity_P[topic], topic) for topic in topics]
    anything = _drawn(random, popularity_P, np.arange(num_products))
    order_L: list[int] = []
    product_L: list[int] = []
    for order in range(num_orders):
        of_topics = random.integers(0, num_topics, random.integers(1, 3))
        size = 1 if random.random() < 1 / 3 else 2 + random.geometric(0.25)
        for _ in range(size):
            of_topic = random.random() < 0.7
            product = draws[of_topics[random.integers(len(of_topics))]]() if of_topic else anything()
            bought = [product, int(accessory_P[product])] if random.random() < 1 / 6 and size > 1 else [product]
            order_L += [order] * len(bought)
            product_L += bought
    line_L = np.unique(np.array(order_L) * num_products + np.array(product_L))
    return Orders(
        product_ids=[str(number) for number in range(num_products)],
        product_L=(line_L % num_products).astype(np.int32),
        start_O=np.searchsorted(line_L, np.arange(num_orders + 1) * num_products),
        ordered_at_O=np.full(num_orders, np.nan),
    )


def _drawn(random: np.random.Generator, weight_N: NDArray[Any], products_N: NDArray[Any]) -> Callable[[], int]:
    """A draw of one product by its weight, some thousands at a time."""
    waiting: list[int] = []

    def draw() -> int:
        if not waiting:
            waiting.extend(random.choice(products_N, 4096, p=weight_N / weight_N.sum()).tolist())
        return waiting.pop()

    return draw


if __name__ == "__main__":
    main()
