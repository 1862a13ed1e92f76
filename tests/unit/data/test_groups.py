"""Groups: photos that are linked through others belong together, whatever order the links come in."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from snapshelf.data.groups import connect, members, same_key


def as_pairs(*pairs: tuple[int, int]) -> NDArray[np.int64]:
    return np.array(pairs, np.int64).reshape(-1, 2)


def naive_union(number: int, pairs: list[tuple[int, int]]) -> list[int]:
    """The lowest member of each photo's group, by relabelling whole groups at every pair."""
    group = list(range(number))
    for one, other in pairs:
        low, high = sorted((group[one], group[other]))
        group = [low if mine == high else mine for mine in group]
    return group


@st.composite
def linked(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    number = draw(st.integers(1, 40))
    photo = st.integers(0, number - 1)
    return number, draw(st.lists(st.tuples(photo, photo), max_size=60))


@settings(max_examples=150, deadline=None)
@given(linked(), st.randoms(use_true_random=False))
def test_groups_are_those_of_a_naive_union_in_any_order_of_the_pairs(
    shop: tuple[int, list[tuple[int, int]]], shuffler: random.Random
) -> None:
    number, pairs = shop
    expected = naive_union(number, pairs)
    assert connect(number, [as_pairs(*pairs)]).tolist() == expected
    shuffled = [(other, one) if shuffler.random() < 0.5 else (one, other) for one, other in pairs]
    shuffler.shuffle(shuffled)
    half = len(shuffled) // 2
    assert connect(number, [as_pairs(*shuffled[:half]), as_pairs(*shuffled[half:])]).tolist() == expected


def test_a_long_chain_is_one_group_whichever_way_it_runs() -> None:
    numbers = np.arange(2000)
    for chain in (numbers, numbers[::-1], np.random.default_rng(0).permutation(numbers)):
        assert not connect(2000, [np.stack([chain[:-1], chain[1:]], axis=1)]).any()


def test_without_pairs_every_photo_stands_alone() -> None:
    assert connect(3, []).tolist() == [0, 1, 2]
    assert connect(0, []).tolist() == []


def test_photos_of_one_key_are_paired_with_the_first_of_them() -> None:
    keys_N = np.array([7, 5, 7, 9, 5, 7], np.uint64)
    assert sorted(map(tuple, same_key(keys_N).tolist())) == [(0, 2), (0, 5), (1, 4)]


def test_the_key_for_none_makes_no_partners() -> None:
    keys_N = np.array([0, 5, 0, 5], np.uint64)
    assert same_key(keys_N, none=0).tolist() == [[1, 3]]
    assert len(same_key(keys_N)) == 2


def test_no_photos_have_no_pairs() -> None:
    assert same_key(np.empty(0, np.uint64), none=0).shape == (0, 2)


@settings(max_examples=80, deadline=None)
@given(linked())
def test_members_are_the_groups_by_their_first_photos(shop: tuple[int, list[tuple[int, int]]]) -> None:
    number, pairs = shop
    group = naive_union(number, pairs)
    expected = [[photo for photo in range(number) if group[photo] == first] for first in sorted(set(group))]
    assert [rows.tolist() for rows in members(np.array(group), at_least=1)] == expected
    assert [rows.tolist() for rows in members(np.array(group))] == [rows for rows in expected if len(rows) > 1]
    assert [rows.tolist() for rows in members(np.array(group), 3)] == [rows for rows in expected if len(rows) > 2]


def test_no_photos_are_no_groups() -> None:
    assert list(members(np.empty(0, np.int64), at_least=1)) == []
