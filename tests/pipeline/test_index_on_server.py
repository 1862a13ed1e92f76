"""`snapshelf index` and `serve` with an index on a Qdrant server: here the client's own memory stands for the server.

What only a real server does (shards, replicas, restarts, keys) is not tested by it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from snapshelf.adapters.index_folder import open_index
from snapshelf.artifacts.cards import IndexCard
from snapshelf.artifacts.store import Store
from snapshelf.errors import StoreError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.index import index
from snapshelf.pipelines.index_photos import CatalogueWriter
from snapshelf.pipelines.index_result import IndexResult
from snapshelf.settings import QdrantServer
from snapshelf.types import Filters
from tests.mean_colour import MeanColour
from tests.tiny_store import COLOURS, photo, write_catalogue, write_model

qdrant_client = pytest.importorskip("qdrant_client", reason="the [qdrant] extra is not installed")
qdrant_server = pytest.importorskip("snapshelf.adapters.qdrant_server")

SERVER = QdrantServer("http://qdrant.test:6333")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The memory of one client, which stays when an index lets go of it."""
    client = qdrant_client.QdrantClient(":memory:")
    monkeypatch.setattr(qdrant_server, "connect", lambda server: client)
    monkeypatch.setattr(client, "close", lambda: None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect|Local mode performs exact")
        yield client


class Shop:
    """A store with a model and a catalogue of six products."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root / "store")
        self.model = write_model(self.store.folder("models", "m1"), "m1")
        self.encoder = MeanColour()
        self.table = write_catalogue(root / "catalogue", num_products=6)

    def index(self, server: QdrantServer | None = SERVER, **options: Any) -> IndexResult:
        return index(
            self.store, self.encoder, self.model, str(self.table),
            limits=DecodeLimits(), num_workers=1, server=server, **options,
        )  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def collections(client: Any) -> set[str]:
    return {each.name for each in client.get_collections().collections}


def test_an_index_is_built_on_the_server_and_opened_there(shop: Shop, client: Any) -> None:
    result = shop.index()
    card, opened, thumbnails = open_index(shop.store, shop.model, SERVER)
    assert (card.collection, result.num_products) == (f"snapshelf-{result.index_id}", 6)
    assert card.engine.startswith("qdrant-client 1.")
    assert collections(client) == {card.collection}
    query_D = shop.encoder.embedding(photo(COLOURS["red thing"], 2))
    assert opened.search(query_D, limit=1, filters=Filters(attributes={"brand": frozenset({"Acme"})}))[
        0
    ].product.id == "p02"  # fmt: skip
    assert [match.product_id for match in opened.search_words("red thing 2", limit=1, filters=Filters())] == ["p02"]
    opened.close()
    thumbnails.close()
    assert shop.index().unchanged == 6
    assert not (shop.store.current("index") / "shard").exists()


def test_shards_and_replicas_come_from_the_stores_configuration(
    shop: Shop, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    create = client.create_collection

    def noted(name: str, **how: Any) -> Any:
        asked.update(how)
        return create(name, **how)

    monkeypatch.setattr(client, "create_collection", noted)
    shop.store.config_path.write_text("[qdrant]\nshards = 3\nreplicas = 2\n")
    shop.index()
    assert (asked["shard_number"], asked["replication_factor"], asked["write_consistency_factor"]) == (3, 2, 2)


def test_a_replaced_index_takes_its_collection_along(shop: Shop, client: Any) -> None:
    first, second = shop.index(), shop.index(replace=True)
    assert collections(client) == {f"snapshelf-{second.index_id}"}
    assert shop.store.ids("index") == [second.index_id] != [first.index_id]


def test_an_index_that_is_open_is_replaced_but_not_removed(shop: Shop, client: Any) -> None:
    first = shop.index()
    _, served, thumbnails = open_index(shop.store, shop.model, SERVER)
    shop.index(replace=True)
    assert f"snapshelf-{first.index_id}" in collections(client)
    assert served.count_products() == 6
    served.close()
    thumbnails.close()
    third = shop.index(replace=True)
    assert collections(client) == {f"snapshelf-{third.index_id}"}


def test_a_killed_build_goes_on_in_the_same_collection(
    shop: Shop, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(CatalogueWriter, "drop_unseen", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            shop.index()
    (begun,) = collections(client)
    result = shop.index()
    assert (result.unchanged, f"snapshelf-{result.index_id}") == (6, begun)


def test_a_build_killed_before_its_collection_was_whole_goes_on(
    shop: Shop, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(client, "create_payload_index", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            shop.index()
    result = shop.index()
    assert (result.added, collections(client)) == (6, {f"snapshelf-{result.index_id}"})


def test_an_index_of_the_store_gives_way_to_one_on_the_server(
    shop: Shop, client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    first = shop.index(server=None)
    second = shop.index()
    assert shop.store.ids("index") == [second.index_id] != [first.index_id]
    assert IndexCard.read(shop.store.current("index")).collection is not None
    assert "is in the store; one on http://qdrant.test:6333 takes its place" in capsys.readouterr().err


def test_without_the_address_an_index_on_a_server_is_refused(shop: Shop, client: Any) -> None:
    shop.index()
    with pytest.raises(StoreError, match=r"SNAPSHELF_QDRANT_URL is not set. Set it .* CATALOGUE --store DIR --replace"):
        open_index(shop.store, shop.model)
    with pytest.raises(StoreError, match="SNAPSHELF_QDRANT_URL is not set"):
        shop.index(server=None)
    assert IndexCard.read(shop.store.folder("index", shop.index(server=None, replace=True).index_id)).collection is None


def test_a_collection_that_is_gone_is_named_with_what_to_do(shop: Shop, client: Any) -> None:
    result = shop.index()
    client.delete_collection(f"snapshelf-{result.index_id}")
    with pytest.raises(StoreError, match=rf"no collection snapshelf-{result.index_id}\..*--replace"):
        open_index(shop.store, shop.model, SERVER)
    assert shop.index(replace=True).num_products == 6


def test_a_server_that_does_not_answer_is_named_with_what_to_do(shop: Shop) -> None:
    with pytest.raises(StoreError, match=r"cannot be reached .* set SNAPSHELF_QDRANT_URL to where it is"):
        shop.index(QdrantServer("http://127.0.0.1:9"))
