"""Photos that belong together: which share something, directly or through others.

N is the number of photos.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.int64]
"""(M, 2): the numbers of two photos that belong together, a row each."""


def same_key(keys_N: NDArray[Any], none: object = None) -> Pairs:
    """Every photo with the first that has the same key; those with the key `none` have no partners."""
    distinct, first_of_distinct, group_N = np.unique(keys_N, return_index=True, return_inverse=True)
    first_N = first_of_distinct[group_N]
    alike_N = first_N != np.arange(len(keys_N))
    if none is not None:
        alike_N &= (distinct != none)[group_N]
    return np.stack([first_N[alike_N], np.flatnonzero(alike_N)], axis=1)


def connect(number: int, pairs: Iterable[Pairs]) -> NDArray[np.int64]:
    """For each of `number` photos the first photo that it belongs to through any chain of pairs, itself where none."""
    one_M, other_M = np.concatenate([np.empty((0, 2), np.int64), *pairs]).T
    first_N = np.arange(number)
    while True:
        lower_M, upper_M = np.sort([first_N[one_M], first_N[other_M]], axis=0)
        if np.array_equal(lower_M, upper_M):
            return first_N
        np.minimum.at(first_N, upper_M, lower_M)
        while not np.array_equal(first_N, first_N[first_N]):
            first_N = first_N[first_N]


def members(group_N: NDArray[np.int64], at_least: int = 2) -> Iterator[NDArray[np.int64]]:
    """The photos of each group that has `at_least` so many, ascending; groups in the order of their first photos."""
    order_N = np.argsort(group_N, kind="stable")
    edges = np.flatnonzero(np.diff(group_N[order_N], prepend=-1, append=-1))
    for start, end in itertools.pairwise(edges.tolist()):
        if end - start >= at_least:
            yield order_N[start:end]
