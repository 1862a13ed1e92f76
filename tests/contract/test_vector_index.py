"""One suite for every `VectorIndex`: what the exact one answers, the others must answer too.

The server's index runs on its client's in-memory mode, which keeps no index of payloads and knows no shards, replicas
or restarts. Where `SNAPSHELF_TEST_QDRANT_URL` names a server that may be written to, the suite runs there too.

Shapes: N photos, D numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from snapshelf.adapters.diversity import num_candidates
from snapshelf.adapters.exact_index import ExactIndex
from snapshelf.adapters.facts import satisfies
from snapshelf.adapters.qdrant_edge_index import QdrantEdgeIndex
from snapshelf.ports import VectorIndex
from snapshelf.types import Filters, Product, ProductPhoto
from tests.engines import ENGINES, make_engine

D = 16
ALL = Filters()

Embeddings = NDArray[np.float32]
Both = tuple[VectorIndex, VectorIndex]
"""The exact index and an engine that hold the same."""


@pytest.fixture(scope="module", params=["exact", *ENGINES])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorIndex]:
    """Made once a module: a new shard waits for the disk a dozen times."""
    with make_engine(request.param, tmp_path_factory.mktemp("index"), D) as made:
        yield made


@pytest.fixture
def index(engine: VectorIndex) -> VectorIndex:
    """An empty index, as one whose products were all removed."""
    engine.remove([product.id for product in engine.products(offset=0, limit=10_000)])
    return engine


def along(*parts: tuple[int, float]) -> Embeddings:
    """A unit embedding with the given parts along some axes: along((0, 1), (3, 0.5))."""
    embedding_D = np.zeros(D, dtype=np.float32)
    for axis, part in parts:
        embedding_D[axis] = part
    return embedding_D / np.linalg.norm(embedding_D)


def add(index: VectorIndex, photos: dict[str, tuple[Product, Embeddings]]) -> None:
    rows = [ProductPhoto(photo_id, f"sha-{photo_id}", product) for photo_id, (product, _) in photos.items()]
    index.upsert(rows, np.stack([embedding_D for _, embedding_D in photos.values()]))


def found(
    index: VectorIndex, query_D: Embeddings, *, limit: int = 10, filters: Filters = ALL, diversity: float = 0.0
) -> list[str]:
    return [near.product.id for near in index.search(query_D, limit=limit, filters=filters, diversity=diversity)]


def shoe(product_id: str, *, price: float | None = None, in_stock: bool | None = None) -> Product:
    return Product(product_id, f"Shoe {product_id}", "shoe", price=price, in_stock=in_stock)


@pytest.fixture
def shelf(index: VectorIndex) -> VectorIndex:
    """Five products at growing angles from axis 0, so that a..e is the order of nearness to it."""
    products = [
        Product("a", "Red shoe", "shoe", 10.0, "EUR", True, "https://shop.example/a", {"size": 42, "sale": True}),
        Product("b", "Blue shoe", "shoe", 20.0, "EUR", False),
        Product("c", "Bag", "bag", 20.5),
        Product("d", "Free bag", "bag", 0.0, "EUR", True),
        Product("e", "Hat ✨", "hat", None, None, None, None, {"note": "zwölf", "weight": 1.5}),
    ]
    add(index, {f"{p.id}.jpg": (p, along((0, 1.0), (1, 0.2 * n))) for n, p in enumerate(products)})
    return index


def test_an_empty_index_answers_everything_with_nothing(index: VectorIndex) -> None:
    assert index.search(along((0, 1)), limit=5, filters=ALL) == []
    assert index.search(along((0, 1)), limit=5, filters=ALL, diversity=0.5) == []
    assert index.products(offset=0, limit=10) == []
    assert (index.count_products(), index.count_products("shoe"), index.categories()) == (0, 0, {})
    assert (index.product("a"), index.product_photos("a"), index.photo_hashes()) == (None, [], {})
    assert index.remove(["a"]) == 0
    index.remove_photos(["a.jpg"])
    index.update_products([shoe("a")])
    index.optimize()
    assert index.count_products() == 0


def test_nearest_first_with_cosine_similarity_and_the_whole_product(shelf: VectorIndex) -> None:
    nearest = shelf.search(along((0, 1)), limit=3, filters=ALL)
    assert [near.product.id for near in nearest] == ["a", "b", "c"]
    assert [near.photo_id for near in nearest] == ["a.jpg", "b.jpg", "c.jpg"]
    expected = [1.0, 1 / np.sqrt(1 + 0.2**2), 1 / np.sqrt(1 + 0.4**2)]
    np.testing.assert_allclose([near.similarity for near in nearest], expected, atol=1e-5)
    assert nearest[0].product == Product(
        "a", "Red shoe", "shoe", 10.0, "EUR", True, "https://shop.example/a", {"size": 42, "sale": True}
    )


def test_what_a_product_does_not_say_stays_none(shelf: VectorIndex) -> None:
    assert shelf.product("e") == Product("e", "Hat ✨", "hat", attributes={"note": "zwölf", "weight": 1.5})


def test_similarity_stays_between_minus_one_and_one(shelf: VectorIndex) -> None:
    for query_D in (along((0, 1)), along((0, -1))):
        assert all(-1 <= near.similarity <= 1 for near in shelf.search(query_D, limit=5, filters=ALL))


def test_a_query_need_not_be_of_unit_length(shelf: VectorIndex) -> None:
    long = shelf.search(7 * along((0, 1), (1, 1)), limit=5, filters=ALL)
    unit = shelf.search(along((0, 1), (1, 1)), limit=5, filters=ALL)
    np.testing.assert_allclose([near.similarity for near in long], [near.similarity for near in unit], atol=1e-5)


def test_a_limit_beyond_the_size_gives_everything(shelf: VectorIndex) -> None:
    assert found(shelf, along((0, 1)), limit=100) == ["a", "b", "c", "d", "e"]


def test_a_limit_of_zero_gives_nothing(shelf: VectorIndex) -> None:
    assert found(shelf, along((0, 1)), limit=0) == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(category="bag"), ["c", "d"]),
        (Filters(category="Bag"), []),
        (Filters(price_min=20.0), ["b", "c"]),
        (Filters(price_max=20.0), ["a", "b", "d"]),
        (Filters(price_min=10.0, price_max=20.0), ["a", "b"]),
        (Filters(price_min=0.0, price_max=0.0), ["d"]),
        (Filters(price_min=0.0), ["a", "b", "c", "d"]),
        (Filters(in_stock=True), ["a", "d"]),
        (Filters(in_stock=False), ["b"]),
        (Filters(category="bag", price_max=5.0, in_stock=True), ["d"]),
        (Filters(category="hat", in_stock=True), []),
    ],
    ids=str,
)
def test_filters_are_always_obeyed(shelf: VectorIndex, filters: Filters, expected: list[str]) -> None:
    assert found(shelf, along((0, 1)), filters=filters) == expected
    assert sorted(found(shelf, along((0, 1)), filters=filters, diversity=0.3)) == expected


def test_a_product_with_many_photos_counts_once_and_hides_nobody(index: VectorIndex) -> None:
    many = {f"m/{n}": (shoe("m"), along((0, 1.0), (1, 0.001 * n))) for n in range(200)}
    others = {f"o{n}": (shoe(f"o{n}"), along((0, 1.0), (1, 1.0 + n))) for n in range(9)}
    add(index, many | others)
    assert found(index, along((0, 1)), limit=10) == ["m", *(f"o{n}" for n in range(9))]
    assert index.search(along((0, 1)), limit=1, filters=ALL)[0].photo_id == "m/0"
    assert sorted(found(index, along((0, 1)), limit=10, diversity=0.7)) == ["m", *(f"o{n}" for n in range(9))]


def test_upsert_replaces_the_photo_of_the_same_id(shelf: VectorIndex) -> None:
    add(shelf, {"a.jpg": (shoe("a", price=99.0), along((5, 1)))})
    assert found(shelf, along((0, 1)), limit=1) == ["b"]
    assert found(shelf, along((5, 1)), limit=1) == ["a"]
    assert shelf.product("a") == shoe("a", price=99.0)
    assert len(shelf.photo_hashes()) == 5


def test_upsert_of_nothing_changes_nothing(shelf: VectorIndex) -> None:
    shelf.upsert([], np.empty((0, D), dtype=np.float32))
    assert shelf.count_products() == 5


def test_the_last_of_several_photos_of_one_id_wins(index: VectorIndex) -> None:
    photos = [ProductPhoto("x", "old", shoe("a")), ProductPhoto("x", "new", shoe("b"))]
    index.upsert(photos, np.stack([along((0, 1)), along((1, 1))]))
    assert index.photo_hashes() == {"x": "new"}
    assert found(index, along((1, 1))) == ["b"]


def test_remove_takes_all_photos_and_counts_products(index: VectorIndex) -> None:
    add(index, {f"a/{n}": (shoe("a"), along((n, 1))) for n in range(3)} | {"b": (shoe("b"), along((4, 1)))})
    assert index.remove(["a", "nobody"]) == 1
    assert index.photo_hashes() == {"b": "sha-b"}
    assert index.remove(["a"]) == 0
    assert index.remove([]) == 0
    assert found(index, along((0, 1))) == ["b"]


def test_remove_photos_leaves_the_other_photos_of_a_product(index: VectorIndex) -> None:
    add(index, {f"a/{n}": (shoe("a"), along((n, 1))) for n in range(3)})
    index.remove_photos(["a/0", "nowhere"])
    index.remove_photos([])
    assert [photo.photo_id for photo in index.product_photos("a")] == ["a/1", "a/2"]


def test_update_products_changes_every_photo_and_keeps_the_embeddings(index: VectorIndex) -> None:
    old = Product("a", "Old", "shoe", 5.0, "EUR", True, "https://shop.example/a", {"size": 42, "colour": "red"})
    add(index, {f"a/{n}": (old, along((n, 1))) for n in range(3)} | {"b": (shoe("b", price=7.0), along((4, 1)))})
    new = Product("a", "New", "boot", 6.0, attributes={"size": 43})
    index.update_products([new, shoe("nobody")])
    assert [photo.product for photo in index.product_photos("a")] == [new] * 3
    assert [photo.photo_sha256 for photo in index.product_photos("a")] == ["sha-a/0", "sha-a/1", "sha-a/2"]
    assert index.product("b") == shoe("b", price=7.0)
    for n in range(3):
        nearest = index.search(along((n, 1)), limit=1, filters=Filters(category="boot"))[0]
        assert nearest.photo_id == f"a/{n}"
        assert nearest.similarity == pytest.approx(1, abs=1e-5)
    assert found(index, along((0, 1)), filters=Filters(in_stock=True)) == []
    assert index.categories() == {"boot": 1, "shoe": 1}


def test_product_photos_come_in_the_order_of_their_ids(index: VectorIndex) -> None:
    add(index, {name: (shoe("a"), along((0, 1))) for name in ("z", "10", "9", "ä")})
    assert [photo.photo_id for photo in index.product_photos("a")] == ["10", "9", "z", "ä"]


def test_products_are_paged_in_the_order_of_their_ids(shelf: VectorIndex) -> None:
    add(shelf, {"a2.jpg": (shoe("a"), along((3, 1)))})
    pages = [[product.id for product in shelf.products(offset=offset, limit=2)] for offset in (0, 2, 4, 6)]
    assert pages == [["a", "b"], ["c", "d"], ["e"], []]
    assert [product.id for product in shelf.products(offset=1, limit=5, category="bag")] == ["d"]
    assert shelf.products(offset=0, limit=5, category="nothing") == []


def test_listings_see_every_change(shelf: VectorIndex) -> None:
    assert shelf.count_products() == 5
    shelf.remove(["c"])
    add(shelf, {"0": (shoe("0"), along((0, 1)))})
    assert [product.id for product in shelf.products(offset=0, limit=9)] == ["0", "a", "b", "d", "e"]
    assert shelf.count_products("shoe") == 3


def test_categories_count_products_and_not_photos(shelf: VectorIndex) -> None:
    add(shelf, {f"extra{n}": (Product("c", "Bag", "bag"), along((n, 1))) for n in range(4)})
    assert list(shelf.categories().items()) == [("bag", 2), ("hat", 1), ("shoe", 2)]
    assert (shelf.count_products("bag"), shelf.count_products("nothing")) == (2, 0)


def test_more_products_than_a_page_of_the_engine(index: VectorIndex) -> None:
    many = 2345
    embedding_ND = np.random.default_rng(0).normal(size=(many, D)).astype(np.float32)
    index.upsert([ProductPhoto(f"{n}", f"sha-{n}", shoe(f"{n:05}")) for n in range(many)], embedding_ND)
    assert index.photo_hashes() == {f"{n}": f"sha-{n}" for n in range(many)}
    assert (index.count_products(), index.categories()) == (many, {"shoe": many})
    assert [product.id for product in index.products(offset=0, limit=many)] == [f"{n:05}" for n in range(many)]


def test_diversity_keeps_the_nearest_first_and_spreads_near_doubles(index: VectorIndex) -> None:
    doubles = {f"same{n}": (shoe(f"same{n}"), along((0, 1.0), (1, 0.1 + 0.001 * n))) for n in range(5)}
    others = {f"other{n}": (shoe(f"other{n}"), along((0, 1.0), (2 + n, 0.9))) for n in range(3)}
    add(index, doubles | others)
    assert found(index, along((0, 1)), limit=4) == ["same0", "same1", "same2", "same3"]
    varied = found(index, along((0, 1)), limit=4, diversity=0.6)
    assert varied[0] == "same0"
    assert set(varied[1:]) == {"other0", "other1", "other2"}


def test_diversity_reports_the_similarity_to_the_query(shelf: VectorIndex) -> None:
    plain = {near.product.id: near.similarity for near in shelf.search(along((0, 1)), limit=5, filters=ALL)}
    for near in shelf.search(along((0, 1)), limit=5, filters=ALL, diversity=0.8):
        assert near.similarity == pytest.approx(plain[near.product.id], abs=1e-5)


def test_diversity_with_one_candidate(index: VectorIndex) -> None:
    add(index, {"a": (shoe("a"), along((0, 1)))})
    assert found(index, along((1, 1)), diversity=1.0) == ["a"]


def clustered(num: int, seed: int) -> tuple[list[ProductPhoto], Embeddings]:
    """Photos in clusters, as products lie: three photos a product or so, prices and stock sometimes unknown."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(12, D))
    embedding_ND = (centres[random.integers(0, 12, num)] + 0.3 * random.normal(size=(num, D))).astype(np.float32)
    photos = []
    for n in range(num):
        which = int(random.integers(0, num // 3))
        stock = (True, False, None)[which % 3]
        price = None if which % 5 == 0 else which / 4
        sizes = {"size": which % 6}
        product = Product(f"p{which}", "", f"c{which % 4}", price, in_stock=stock, attributes=sizes)
        photos.append(ProductPhoto(f"{n}", "", product))
    return photos, embedding_ND


@pytest.fixture(scope="module", params=ENGINES)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    photos, embedding_ND = clustered(900, seed=1)
    exact = ExactIndex(D)
    with make_engine(request.param, tmp_path_factory.mktemp("both"), D) as engine:
        for made in (exact, engine):
            made.upsert(photos, embedding_ND)
        yield exact, engine


@pytest.mark.parametrize(
    "filters",
    [
        ALL,
        Filters(category="c2"),
        Filters(price_min=10, price_max=40),
        Filters(in_stock=True, category="c1"),
        Filters(product_ids=frozenset(f"p{n}" for n in range(0, 300, 7)), excluded_ids=frozenset({"p7", "p14"})),
        Filters(attributes={"size": frozenset({"3", "4"})}),
    ],
    ids=str,
)
@pytest.mark.parametrize("diversity", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("limit", [1, 12, 100])
def test_the_engine_answers_as_the_exact_index(both: Both, filters: Filters, diversity: float, limit: int) -> None:
    exact, engine = both
    for query_D in np.random.default_rng(2).normal(size=(5, D)).astype(np.float32):
        truth = exact.search(query_D, limit=limit, filters=filters, diversity=diversity)
        answer = engine.search(query_D, limit=limit, filters=filters, diversity=diversity)
        assert [near.photo_id for near in answer] == [near.photo_id for near in truth]
        assert [near.product for near in answer] == [near.product for near in truth]
        np.testing.assert_allclose([near.similarity for near in answer], [near.similarity for near in truth], atol=1e-5)
        assert all(satisfies(near.product, filters) for near in answer)


def test_listings_agree_with_the_exact_index(both: Both) -> None:
    exact, engine = both
    assert engine.categories() == exact.categories()
    assert engine.photo_hashes() == exact.photo_hashes()
    assert engine.products(offset=0, limit=1000) == exact.products(offset=0, limit=1000)


def test_optimize_changes_no_answer(both: Both) -> None:
    both[1].optimize()
    query_D = np.random.default_rng(3).normal(size=D).astype(np.float32)
    answers = [[near.photo_id for near in made.search(query_D, limit=20, filters=ALL)] for made in both]
    assert answers[0] == answers[1]


def test_variety_is_chosen_from_more_products_than_are_shown() -> None:
    assert [num_candidates(limit) for limit in (1, 12, 100)] == [50, 50, 400]


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    first = QdrantEdgeIndex.create(tmp_path / "shard", D)
    photos, embedding_ND = clustered(60, seed=4)
    first.upsert(photos, embedding_ND)
    first.remove(["p3"])
    first.update_products([Product("p4", "New", "c9")])
    before = (first.photo_hashes(), first.products(offset=0, limit=99), first.categories())
    first.close()
    second = QdrantEdgeIndex.open(tmp_path / "shard")
    assert (second.photo_hashes(), second.products(offset=0, limit=99), second.categories()) == before
    assert found(second, embedding_ND[0], limit=1, filters=Filters(in_stock=True)) != []
    second.close()
