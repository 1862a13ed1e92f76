"""What a customer asks for beside the photo, and what no search can answer."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace

from snapshelf.errors import RequestError
from snapshelf.types import Filters

DEFAULT_TOP_K = 12
MAX_TOP_K = 100
MAX_TEXT_CHARACTERS = 200
MAX_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What is wanted, beside what the photo shows."""

    top_k: int = DEFAULT_TOP_K
    """How many products, 1 to 100."""
    filters: Filters = field(default_factory=Filters)
    """What the products must satisfy."""
    diversity: float = 0.0
    """0 is the nearest alone, 1 as varied as can be."""
    text: str = ""
    """Words that the products should have; those that have them come before those that look the same without."""
    liked: tuple[str, ...] = ()
    """Ids of products that the others should be like."""
    disliked: tuple[str, ...] = ()
    """Ids of products that the others should not be like."""

    @property
    def by_look_alone(self) -> bool:
        """Whether the products wanted are simply those that look most like the photo."""
        return self == SearchOptions(top_k=self.top_k)

    def check(self) -> None:
        """Refuse what no search can answer.

        Raises:
            RequestError: naming the field, what it holds and what it may.
        """
        if not 1 <= self.top_k <= MAX_TOP_K:
            raise RequestError(f"top_k is {self.top_k}; expected a whole number from 1 to {MAX_TOP_K}.")
        if not 0 <= self.diversity <= 1:
            raise RequestError(
                f"diversity is {self.diversity:g}; expected a number from 0 (nearest) to 1 (most varied)."
            )
        if len(self.text) > MAX_TEXT_CHARACTERS:
            raise RequestError(f"text has {len(self.text)} characters; at most {MAX_TEXT_CHARACTERS} are searched for.")
        if len(self.liked) + len(self.disliked) > MAX_EXAMPLES:
            raise RequestError(
                f"There are {len(self.liked) + len(self.disliked)} examples; at most {MAX_EXAMPLES} are looked at."
            )
        _check_prices(self.filters)

    def without_examples(self) -> SearchOptions:
        """The same, but the examples themselves are not among the answers."""
        excluded_ids = self.filters.excluded_ids.union(self.liked, self.disliked)
        return replace(self, filters=replace(self.filters, excluded_ids=excluded_ids))


def parse_attributes(texts: list[str]) -> dict[str, frozenset[str]]:
    """Read `name:value`, any number of them.

    Raises:
        RequestError: one is something else.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for text in texts:
        name, colon, value = text.partition(":")
        if not (name.strip() and colon and value.strip()):
            raise RequestError(f"attribute is {text[:60]!r}; expected name:value, such as brand:Acme.")
        found[name.strip()].add(value.strip())
    return {name: frozenset(values) for name, values in found.items()}


def _check_prices(filters: Filters) -> None:
    for name, price in (("price_min", filters.price_min), ("price_max", filters.price_max)):
        if price is not None and not (math.isfinite(price) and price >= 0):
            raise RequestError(f"{name} is {price:g}; expected a price of 0 or more.")
    if filters.price_min is not None and filters.price_max is not None and filters.price_min > filters.price_max:
        raise RequestError(
            f"price_min is {filters.price_min:g}, above price_max, which is {filters.price_max:g}; no price is both."
        )
