"""Words, facets and filters of every `VectorIndex`: what the exact one answers, the others must answer too.

Shapes: N photos, D numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapshelf.adapters.exact_index import ExactIndex
from snapshelf.adapters.facts import LONGEST, satisfies
from snapshelf.adapters.qdrant_points import LEADS, Conditions
from snapshelf.ports import VectorIndex
from snapshelf.types import Attribute, Facets, Filters, Product, ProductPhoto, attribute_text
from tests.engines import ENGINES, make_engine

D = 8
ALL = Filters()


@pytest.fixture(scope="module", params=["exact", *ENGINES])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorIndex]:
    with make_engine(request.param, tmp_path_factory.mktemp("words"), D) as made:
        yield made


@pytest.fixture
def index(engine: VectorIndex) -> VectorIndex:
    """An empty index, as one whose products were all removed."""
    engine.remove([product.id for product in engine.products(offset=0, limit=10_000)])
    return engine


def photos_of(*products: Product, photos: int = 1) -> list[ProductPhoto]:
    return [ProductPhoto(f"{product.id}/{n}", "", product) for product in products for n in range(photos)]


def add(index: VectorIndex, *photos: ProductPhoto, seed: int = 0) -> None:
    index.upsert(photos, np.random.default_rng(seed).normal(size=(len(photos), D)).astype(np.float32))


def ids(index: VectorIndex, text: str, *, limit: int = 10, filters: Filters = ALL) -> list[str]:
    return [match.product_id for match in index.search_words(text, limit=limit, filters=filters)]


SHELF = [
    Product("a", "Red running shoe", "shoe", 10.0, "EUR", True, None, {"size": 42, "sale": True, "brand": "Nike"}),
    Product("b", "Blue shoe", "shoe", 20.0, "EUR", False, None, {"size": 42.0, "brand": "Acme"}),
    Product("c", "Größe Äpfel", "bag", None, None, None, None, {"size": 43.5, "sale": False, "brand": "Acme"}),
    Product("d", "红色运动鞋", "bag", 5.0, "EUR", True, None, {"size": "42", "note": "x" * (LONGEST + 1)}),
]


@pytest.fixture
def shelf(index: VectorIndex) -> VectorIndex:
    """Four products with three photos each, which must count once."""
    add(index, *photos_of(*SHELF, photos=3))
    return index


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red", ["a"]),
        ("SHOE", ["b", "a"]),  # the shorter text first
        ("red shoe", ["a", "b"]),
        ("grosse apfel", ["c"]),
        ("nike", ["a"]),
        ("42", ["b", "a", "d"]),
        ("43.5", ["c"]),
        ("运动", ["d"]),
        ("bag", ["c", "d"]),
        ("true", []),
        ("nothing of this", []),
        ("", []),
        ("✨ !?", []),
    ],
)
def test_words_are_found_in_title_category_and_attributes(shelf: VectorIndex, text: str, expected: list[str]) -> None:
    assert ids(shelf, text) == expected
    assert all(match.score > 0 for match in shelf.search_words(text, limit=9, filters=ALL))


def test_a_text_of_words_that_all_products_share_is_in_the_order_of_the_ids(index: VectorIndex) -> None:
    add(index, *photos_of(*[Product(f"p{n:02}", "Shoe", "c") for n in range(30)]))
    assert ids(index, "shoe", limit=5) == [f"p{n:02}" for n in range(5)]
    assert len(ids(index, "shoe", limit=99)) == 30
    assert ids(index, "shoe", limit=0) == []


def test_words_obey_filters(shelf: VectorIndex) -> None:
    assert ids(shelf, "42", filters=Filters(price_max=15)) == ["a", "d"]
    assert ids(shelf, "42", filters=Filters(excluded_ids=frozenset({"d"}))) == ["b", "a"]
    assert ids(shelf, "shoe", filters=Filters(category="bag")) == []


def test_removed_and_changed_products_no_longer_tell_how_rare_a_word_is(index: VectorIndex) -> None:
    products = [Product(f"p{n}", "green hat", "c") for n in range(20)] + [Product("q", "green bag", "c")]
    add(index, *photos_of(*products))
    index.remove([f"p{n}" for n in range(15)])
    index.update_products([Product(f"p{n}", "blue bag", "c") for n in range(15, 19)])
    fresh = ExactIndex(D)
    add(fresh, *photos_of(*[Product(f"p{n}", "blue bag", "c") for n in range(15, 19)], *products[19:]))
    for text in ("green", "bag", "green bag"):
        for mine, truth in zip(
            index.search_words(text, limit=9, filters=ALL), fresh.search_words(text, limit=9, filters=ALL), strict=True
        ):
            assert mine.product_id == truth.product_id
            assert mine.score == pytest.approx(truth.score, abs=1e-3)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(attributes={"size": frozenset({"42"})}), ["a", "b", "d"]),
        (Filters(attributes={"size": frozenset({"42", "43.5"}), "brand": frozenset({"Acme"})}), ["b", "c"]),
        (Filters(attributes={"sale": frozenset({"true"})}), ["a"]),
        (Filters(attributes={"sale": frozenset()}), []),
        (Filters(attributes={"note": frozenset({"x" * (LONGEST + 1)})}), []),
        (Filters(attributes={"nothing": frozenset({"42"})}), []),
        (Filters(product_ids=frozenset({"b", "d", "nobody"})), ["b", "d"]),
        (Filters(product_ids=frozenset()), []),
        (Filters(excluded_ids=frozenset({"b", "nobody"})), ["a", "c", "d"]),
        (Filters(product_ids=frozenset({"b", "d"}), excluded_ids=frozenset({"b"})), ["d"]),
    ],
    ids=str,
)
def test_filters_by_attributes_and_ids(shelf: VectorIndex, filters: Filters, expected: list[str]) -> None:
    query_D = np.ones(D, dtype=np.float32)
    for diversity in (0.0, 0.5):
        nearest = shelf.search(query_D, limit=9, filters=filters, diversity=diversity)
        assert sorted(near.product.id for near in nearest) == expected
    assert shelf.facets(filters).num_products == len(expected)


def test_facets_count_products_and_each_choice_without_its_own_filter(shelf: VectorIndex) -> None:
    assert shelf.facets(ALL) == Facets(
        num_products=4,
        categories={"bag": 2, "shoe": 2},
        num_in_stock=2,
        price_min=5.0,
        price_max=20.0,
        attributes={
            "brand": {"Acme": 2, "Nike": 1},
            "sale": {"false": 1, "true": 1},
            "size": {"42": 3, "43.5": 1},
        },
    )
    chosen = shelf.facets(Filters(category="shoe", in_stock=True, attributes={"brand": frozenset({"Nike"})}))
    assert chosen == Facets(
        num_products=1,
        categories={"shoe": 1},
        num_in_stock=1,
        price_min=10.0,
        price_max=10.0,
        attributes={"brand": {"Nike": 1}, "sale": {"true": 1}, "size": {"42": 1}},
    )
    sizes = shelf.facets(Filters(attributes={"size": frozenset({"43.5"})}))
    assert (sizes.num_products, sizes.attributes["size"]) == (1, {"42": 3, "43.5": 1})
    priced = shelf.facets(Filters(price_min=15, in_stock=False))
    assert (priced.num_products, priced.num_in_stock, priced.price_min, priced.price_max) == (1, 0, 20.0, 20.0)


def test_facets_come_in_order_and_only_the_most_frequent(index: VectorIndex) -> None:
    sizes = ["s"] * 3 + ["m"] * 5 + ["l"] * 3 + ["xl"]
    add(index, *photos_of(*[Product(f"{n}", "", "c", attributes={"size": size}) for n, size in enumerate(sizes)]))
    assert list(index.facets(ALL).attributes["size"].items()) == [("m", 5), ("l", 3), ("s", 3), ("xl", 1)]
    assert list(index.facets(ALL, num_values=2).attributes["size"]) == ["m", "l"]


def test_facets_of_nothing(index: VectorIndex) -> None:
    nothing = Facets(0, {}, 0, None, None, {})
    assert index.facets(ALL) == nothing
    add(index, *photos_of(Product("a", "", "c")))
    assert index.facets(Filters(category="d", price_min=1)) == Facets(0, {}, 0, None, None, {})
    assert index.facets(ALL) == Facets(1, {"c": 1}, 0, None, None, {})


def test_embeddings_of_products_come_in_the_order_of_their_photos(index: VectorIndex) -> None:
    photos = [ProductPhoto(name, "", Product("a", "", "c")) for name in ("z", "a", "m")]
    embedding_ND = np.random.default_rng(0).normal(size=(3, D)).astype(np.float32)
    index.upsert(photos, embedding_ND)
    add(index, *photos_of(Product("b", "", "c")))
    found = index.product_embeddings(["a", "nobody", "b"])
    assert list(found) == ["a", "b"]
    unit_ND = embedding_ND / np.linalg.norm(embedding_ND, axis=1, keepdims=True)
    np.testing.assert_allclose(found["a"], unit_ND[[1, 2, 0]], atol=1e-5)
    assert found["b"].shape == (1, D)
    assert found["b"].dtype == np.float32
    assert index.product_embeddings([]) == {}


def test_colours_are_kept_with_their_photo(index: VectorIndex) -> None:
    product = Product("a", "", "c")
    add(index, ProductPhoto("1", "", product, ("red", "white")), ProductPhoto("2", "", product))
    assert [photo.colours for photo in index.product_photos("a")] == [("red", "white"), ()]
    index.update_products([Product("a", "new", "c")])
    near = index.search(index.product_embeddings(["a"])["a"][0], limit=1, filters=ALL)[0]
    assert (near.photo_id, near.colours, near.product.title) == ("1", ("red", "white"), "new")


def test_a_photo_that_moves_to_another_product_leaves_a_whole_one_behind(index: VectorIndex) -> None:
    a, b = Product("a", "red", "c"), Product("b", "blue", "c")
    add(index, ProductPhoto("1", "", a), ProductPhoto("2", "", a))
    add(index, ProductPhoto("1", "", b))
    assert (index.count_products(), ids(index, "red"), ids(index, "blue")) == (2, ["a"], ["b"])
    add(index, ProductPhoto("2", "", b))
    assert (index.count_products(), ids(index, "red"), index.categories()) == (1, [], {"c": 1})


def test_the_last_photo_of_a_product_says_what_it_is(index: VectorIndex) -> None:
    add(index, ProductPhoto("1", "", Product("a", "red", "c")))
    add(index, ProductPhoto("2", "", Product("a", "green", "c")), ProductPhoto("3", "", Product("a", "blue", "d")))
    assert [photo.product.title for photo in index.product_photos("a")] == ["blue"] * 3
    assert (ids(index, "blue"), ids(index, "red"), index.categories()) == (["a"], [], {"d": 1})


NAMES = st.sampled_from(["size", "brand", "Größe", "a.b", "x[0]", "✨", ""])
TEXTS = st.one_of(st.sampled_from(["42", "true", "Acme", "x" * 61, "1"]), st.text(max_size=8))
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([2.5, 3.0, -0.0, 1e300, 0.1]))
VALUES: st.SearchStrategy[Attribute] = st.one_of(TEXTS, st.booleans(), NUMBERS)
VOCABULARY = ["red", "blue", "shoe", "bag", "Größe", "42", "2.5", "赤い靴", "运动鞋", "T-shirt", "l'eau", "Ω"]
WORDS = st.lists(st.sampled_from(VOCABULARY), max_size=5)
IDS = st.sampled_from(["a", "b", "ä", "Ω 1", "'\"", "x/y", "new\nline", "👟"])
PRODUCTS = st.builds(
    Product,
    id=IDS,
    title=st.one_of(WORDS.map(" ".join), st.text(max_size=12)),
    category=st.sampled_from(["shoe", "bag", "Schuh & Co", ""]),
    price=st.one_of(st.none(), st.sampled_from([0.0, 1.5, 2.0, 99.99])),
    in_stock=st.sampled_from([None, True, False]),
    attributes=st.dictionaries(NAMES, VALUES, max_size=3),
)
BATCHES = st.lists(st.tuples(PRODUCTS, st.integers(0, 2)), min_size=1, max_size=5)
CHANGES = st.one_of(
    st.tuples(st.just("upsert"), BATCHES),
    st.tuples(st.just("update"), st.lists(PRODUCTS, max_size=3)),
    st.tuples(st.just("remove"), st.lists(IDS, max_size=2)),
    st.tuples(st.just("remove_photos"), st.lists(st.tuples(IDS, st.integers(0, 2)), max_size=3)),
)
FILTERS = st.builds(
    Filters,
    category=st.sampled_from([None, None, "shoe", ""]),
    price_min=st.sampled_from([None, None, 0.0, 1.5]),
    price_max=st.sampled_from([None, None, 2.0]),
    in_stock=st.sampled_from([None, None, True, False]),
    attributes=st.dictionaries(NAMES, st.frozensets(VALUES.map(attribute_text), max_size=3), max_size=2),
    product_ids=st.one_of(st.none(), st.frozensets(IDS, max_size=4)),
    excluded_ids=st.frozensets(IDS, max_size=2),
)


def change(index: VectorIndex, what: str, given: list[Any], seed: int) -> None:
    if what == "upsert":
        add(index, *[ProductPhoto(f"{product.id}#{n}", "", product) for product, n in given], seed=seed)
    elif what == "update":
        index.update_products(given)
    elif what == "remove":
        index.remove(given)
    else:
        index.remove_photos([f"{product_id}#{n}" for product_id, n in given])


def check_same(index: VectorIndex, exact: VectorIndex, filters: Filters, text: str) -> None:
    query_D = np.arange(1, D + 1, dtype=np.float32)
    for diversity in (0.0, 0.4):
        mine, truth = (made.search(query_D, limit=4, filters=filters, diversity=diversity) for made in (index, exact))
        assert [near.photo_id for near in mine] == [near.photo_id for near in truth]
        assert [near.product for near in mine] == [near.product for near in truth]
        assert all(satisfies(near.product, filters) for near in mine)
    words, true_words = (made.search_words(text, limit=3, filters=filters) for made in (index, exact))
    assert [match.product_id for match in words] == [match.product_id for match in true_words]
    np.testing.assert_allclose([match.score for match in words], [match.score for match in true_words], atol=1e-3)
    facets, true_facets = index.facets(filters, num_values=3), exact.facets(filters, num_values=3)
    assert facets == true_facets
    assert [list(values) for values in facets.attributes.values()] == [
        list(values) for values in true_facets.attributes.values()
    ]


def check_leads(index: VectorIndex, exact: VectorIndex) -> None:
    """Every product is led by one photo, and listed once."""
    products = exact.products(offset=0, limit=99)
    assert index.products(offset=0, limit=99) == products
    assert (index.count_products(), index.categories()) == (len(products), exact.categories())
    for product in products:
        assert index.product_photos(product.id) == exact.product_photos(product.id)
    leads = getattr(index, "_facet")("product_id", Conditions((LEADS,)))  # noqa: B009 (of the engines alone)
    assert leads == {product.id: 1 for product in products}


@pytest.mark.parametrize("name", ENGINES)
def test_engines_answer_as_the_exact_index_after_any_changes(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with make_engine(name, tmp_path_factory.mktemp("any"), D) as engine:

        @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(CHANGES, min_size=1, max_size=5), st.lists(FILTERS, min_size=3, max_size=3), WORDS)
        def compare(changes: list[tuple[str, list[Any]]], filters: list[Filters], words: list[str]) -> None:
            engine.remove([product.id for product in engine.products(offset=0, limit=99)])
            exact = ExactIndex(D)
            for seed, (what, given_to_it) in enumerate(changes):
                for index in (exact, engine):
                    change(index, what, given_to_it, seed)
            check_leads(engine, exact)
            for wanted in (ALL, *filters):
                check_same(engine, exact, wanted, " ".join(words))

        compare()
