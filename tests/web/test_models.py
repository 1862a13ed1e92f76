"""Staff see the store's models and choose among them while the server answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from snapshelf.artifacts.store import Store
from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.wiring import open_shelf
from tests.tiny_store import build_tiny_store, write_model
from tests.web.conftest import ADMIN, ADMIN_KEY
from tests.web.test_shelves import rebuild, wait_until

MODELS = "/api/v1/admin/models"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return build_tiny_store(tmp_path)


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    settings = Settings(admin_key=SecretStr(ADMIN_KEY), threads=1)
    with TestClient(create_app(open_shelf(store, settings), settings, store)) as running:
        yield running


def models(client: TestClient) -> list[dict[str, Any]]:
    found = client.get(MODELS, headers=ADMIN).json()["models"]
    assert isinstance(found, list)
    return found


def states(client: TestClient) -> dict[str, str]:
    return {each["id"]: each["state"] for each in models(client)}


def use(client: TestClient, model_id: str) -> Any:
    return client.put(f"{MODELS}/current", json={"id": model_id}, headers=ADMIN)


def test_the_models_with_their_scores_newest_first(client: TestClient, store: Store) -> None:
    write_model(store.folder("models", "tiny-2"), "tiny-2")
    newest, oldest = models(client)
    assert (newest["id"], newest["state"], newest["has_index"]) == ("tiny-2", "ready", False)
    assert (oldest["id"], oldest["state"], oldest["has_index"]) == ("tiny-1", "serving", True)
    assert (oldest["accuracy"], oldest["macro_f1"], oldest["ece"], oldest["num_classes"]) == (1.0, 1.0, None, 3)


def test_another_model_is_used_and_the_server_rolls_back(client: TestClient, store: Store, tmp_path: Path) -> None:
    write_model(store.folder("models", "tiny-2"), "tiny-2")
    store.use("models", "tiny-2")
    assert wait_until(lambda: states(client)["tiny-2"] == "chosen")
    rebuild(store, tmp_path / "more", 6)
    assert wait_until(lambda: states(client)["tiny-2"] == "serving")
    assert use(client, "tiny-1").status_code == 200
    assert wait_until(lambda: states(client) == {"tiny-1": "serving", "tiny-2": "ready"})
    assert client.get("/api/v1/products").json()["total"] == 12


def test_a_model_without_an_index_is_refused_with_the_command_that_builds_it(client: TestClient, store: Store) -> None:
    write_model(store.folder("models", "tiny-2"), "tiny-2")
    answer = use(client, "tiny-2")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:snapshelf:problem:conflict")
    assert "snapshelf index CATALOGUE" in answer.json()["detail"]
    assert store.in_use()[0] == "tiny-1"


@pytest.mark.parametrize("model_id", ["tiny-9", "../tiny-1", "."])
def test_a_model_that_is_not_there(client: TestClient, model_id: str) -> None:
    answer = use(client, model_id)
    assert (answer.status_code, "the store has: tiny-1" in answer.json()["detail"]) == (404, True)


def test_a_card_that_is_broken_hides_no_other(client: TestClient, store: Store) -> None:
    write_model(store.folder("models", "tiny-2"), "tiny-2")
    (store.folder("models", "tiny-2") / "card.json").write_text("{}", "utf-8")
    assert states(client) == {"tiny-1": "serving"}


def test_a_server_of_one_shelf_has_one_model(store: Store) -> None:
    settings = Settings(admin_key=SecretStr(ADMIN_KEY), threads=1)
    with TestClient(create_app(open_shelf(store, settings), settings)) as alone:
        assert states(alone) == {"tiny-1": "serving"}
        assert use(alone, "tiny-1").status_code == 409
