"""What the store's staff ask of a server in a soak."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from soak_customers import Pictures
from soak_ledger import Ledger, Outcomes, done

from snapshelf.adapters.sqlite_feedback import ReviewState
from snapshelf.client import Client
from snapshelf.web.schemas import ProductIn
from snapshelf.web.staff_schemas import ReviewIn


class Staff:
    """What the store's staff do."""

    def __init__(
        self, client: Client, pictures: Pictures, ledger: Ledger, outcomes: Outcomes, share: Callable[[], float]
    ) -> None:
        self._client, self._pictures, self._ledger, self._outcomes = client, pictures, ledger, outcomes
        self._share = share
        """Of the time that is over."""
        self._numbers = iter(range(1_000_000))

    def something(self, draw: random.Random) -> None:
        """One thing, by chance: more products are put until the middle, more are removed after it."""
        grows = self._share() < 0.5
        kinds = [self._add, self._remove, self._change, self._review, self._look]
        draw.choices(kinds, weights=[40 if grows else 15, 15 if grows else 40, 10, 20, 15])[0](draw)

    def _add(self, draw: random.Random) -> None:
        category, photo = self._pictures.of_category(draw)
        product_id, title = f"s{next(self._numbers):06}", f"{category.title()} of staff {draw.randrange(1000)}"
        product = ProductIn(title=title, category=category, price=20.0, currency="EUR", in_stock=True)
        with self._ledger.still:
            if self._outcomes.ask("put", lambda: self._client.put_product(product_id, product, photo=photo)):
                self._ledger.put(product_id, title)
                self._outcomes.ask("put is found", lambda: self._client.product(product_id))

    def _remove(self, draw: random.Random) -> None:
        with self._ledger.still:
            if (product_id := self._one_of_staff(draw)) is None:
                return
            if self._outcomes.ask("delete", done(lambda: self._client.delete_product(product_id))):
                self._ledger.delete(product_id)
                gone = "product-not-found"
                self._outcomes.ask("deleted is gone", lambda: self._client.product(product_id), expected=gone)

    def _change(self, draw: random.Random) -> None:
        """What is said of a product, not its photo."""
        with self._ledger.still:
            if (product_id := self._one_of_staff(draw)) is None:
                return
            before = self._outcomes.ask("product", lambda: self._client.product(product_id))
            if before is None:
                return
            title = f"{before.category.title()} of staff, changed {draw.randrange(1000)}"
            product = ProductIn(title=title, category=before.category, price=10.0, currency="EUR")
            if self._outcomes.ask("change", lambda: self._client.put_product(product_id, product)):
                self._ledger.put(product_id, title)

    def _one_of_staff(self, draw: random.Random) -> str | None:
        """Mostly what staff put, some of the catalogue's that may go."""
        there = self._ledger.everywhere()
        own = sorted(each for each in there if each.startswith("s"))
        theirs = [each for each in sorted(there) if each.startswith("c") and int(each[1:]) % 5 == 0]
        chosen = theirs if draw.random() < 0.2 else own
        return draw.choice(chosen) if chosen else None

    def _review(self, draw: random.Random) -> None:
        with self._ledger.still:
            waiting = self._outcomes.ask("review list", lambda: self._client.feedback(state="waiting", limit=20))
            known = self._ledger.feedback_ids()
            mine = [each for each in waiting.feedback if each.id in known] if waiting else []
            if not mine:
                return
            states: tuple[ReviewState, ...] = ("accepted", "rejected")
            chosen, state = draw.choice(mine), draw.choice(states)
            if self._outcomes.ask("review", lambda: self._client.review_feedback(chosen.id, ReviewIn(state=state))):
                self._ledger.feedback(chosen.id, state)

    def _look(self, draw: random.Random) -> None:
        looks: list[Callable[[], Any]] = [self._client.models, self._client.health, self._client.feedback]
        self._outcomes.ask("staff looks", draw.choice(looks))
