"""What only an index on a server does: the order of writes, and what is said when the server fails."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

from snapshelf.errors import StoreError
from snapshelf.settings import QdrantServer
from snapshelf.types import Product, ProductPhoto

qdrant_client = pytest.importorskip("qdrant_client", reason="the [qdrant] extra is not installed")
from httpx import Headers  # noqa: E402 (comes with the client)
from qdrant_client.http.exceptions import UnexpectedResponse  # noqa: E402

from snapshelf.adapters.qdrant_server import connect, in_words  # noqa: E402
from snapshelf.adapters.qdrant_server_index import QdrantServerIndex  # noqa: E402

D = 4


@pytest.fixture
def client() -> Any:
    return qdrant_client.QdrantClient(":memory:")


@pytest.fixture
def index(client: Any) -> QdrantServerIndex:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect")
        return QdrantServerIndex.create(client, "c", D)


def upsert(index: QdrantServerIndex, *photos: ProductPhoto) -> None:
    index.upsert(photos, np.random.default_rng(0).normal(size=(len(photos), D)).astype(np.float32))


def test_photos_that_do_not_lead_are_written_first_in_small_parts(
    client: Any, index: QdrantServerIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[list[int]] = []
    write = client.upsert

    def noted(collection: str, points: list[Any], **how: Any) -> Any:
        assert how["wait"]
        parts.append([point.payload["lead"] for point in points])
        return write(collection, points, **how)

    monkeypatch.setattr(client, "upsert", noted)
    upsert(index, *(ProductPhoto(f"{n}/{m}", "", Product(f"p{n}", "", "c")) for n in range(300) for m in range(2)))
    assert [set(part) for part in parts] == [{0}, {0}, {1}, {1}]
    assert max(len(part) for part in parts) <= 250


def test_a_change_that_was_cut_short_is_mended_when_it_comes_again(
    client: Any, index: QdrantServerIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [ProductPhoto(f"a/{m}", "", Product("a", "red", "c")) for m in range(3)]
    with monkeypatch.context() as broken:
        write = client.upsert

        def cut(collection: str, points: list[Any], **how: Any) -> Any:
            if points[0].payload["lead"]:
                raise UnexpectedResponse(500, "gone", b"{}", Headers())
            return write(collection, points, **how)

        broken.setattr(client, "upsert", cut)
        with pytest.raises(StoreError):
            upsert(index, *photos)
    assert (index.count_products(), len(index.photo_hashes())) == (0, 2)
    upsert(index, *photos)
    assert (index.count_products(), len(index.photo_hashes())) == (1, 3)


def test_the_list_of_products_is_looked_up_again_after_a_while(
    client: Any, index: QdrantServerIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = QdrantServerIndex.open(client, "c")
    assert index.products(offset=0, limit=9) == []
    upsert(other, ProductPhoto("1", "", Product("a", "", "c")))
    assert (index.products(offset=0, limit=9), index.count_products()) == ([], 1)
    monkeypatch.setattr(index, "ids_kept_s", -math.inf)
    assert [product.id for product in index.products(offset=0, limit=9)] == ["a"]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "refuses the key. Set SNAPSHELF_QDRANT_API_KEY"),
        (403, "refuses the key. Set SNAPSHELF_QDRANT_API_KEY"),
        (404, "no longer has the collection c"),
        (500, "could not do it"),
    ],
)
def test_answers_of_the_server_are_put_in_words(status: int, message: str) -> None:
    with pytest.raises(StoreError, match=message), in_words("c"):
        raise UnexpectedResponse(status, "reason", b"{}", Headers())


def test_nothing_is_sent_before_it_is_needed_and_then_the_address_is_named() -> None:
    client = connect(QdrantServer("http://127.0.0.1:9"))
    with pytest.raises(StoreError, match="cannot be reached"):
        QdrantServerIndex.open(client, "c")
