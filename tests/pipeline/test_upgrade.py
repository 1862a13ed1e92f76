"""Stores that older snapshelfs made are used by this one: read as they are, or refused with the command that mends it.

`tests/golden/stores/make.py` made them, with the code of their day: a data set, a model of three colours, an index of
twelve products, two remarks of customers.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from snapshelf.adapters.sqlite_feedback import SqliteFeedback
from snapshelf.artifacts.cards import DatasetCard, IndexCard, ModelCard, TogetherCard
from snapshelf.artifacts.store import Store
from snapshelf.errors import ArtifactMismatchError
from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.wiring import open_encoder, open_shelf
from tests.tiny_store import COLOURS, photo, photo_bytes, write_catalogue
from tests.unit.test_cli import run
from tests.web.conftest import ADMIN, ADMIN_KEY

STORES = Path(__file__).parents[1] / "golden" / "stores"
INDEX_IS_READ = {"2026-11-22": False, "2026-11-24": False, "2026-11-25": True, "2026-11-26": True}
SETTINGS = Settings(admin_key=SecretStr(ADMIN_KEY), threads=1)


@dataclass(frozen=True)
class Shop:
    """An old store, unpacked, and the catalogue that it was made of."""

    folder: Path
    index_is_read: bool

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")


@pytest.fixture(scope="module", params=INDEX_IS_READ)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(STORES / f"{request.param}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    write_catalogue(folder / "catalogue")
    return Shop(folder, INDEX_IS_READ[request.param])


Today = Callable[..., tuple[int, str, Any]]


@pytest.fixture
def today(shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Today:
    """The command line of today in the shop's folder: the exit code, what was said, and what `--json` printed."""
    monkeypatch.chdir(shop.folder)
    monkeypatch.setenv("SNAPSHELF_ENGINE", "onnxruntime")

    def run_today(*arguments: str, store: str = "store") -> tuple[int, str, Any]:
        code = run(monkeypatch, *arguments, "--store", store)
        printed, said = capsys.readouterr()
        return code, " ".join(said.split()), json.loads(printed) if "--json" in arguments and printed else None

    return run_today


def test_there_is_a_store_of_every_kind() -> None:
    assert {path.name.removesuffix(".tar.xz") for path in STORES.glob("*.xz")} == set(INDEX_IS_READ)


def test_1_it_is_backed_up_before_anything_else(today: Today) -> None:
    code, said, backed_up = today("backup", "before.tar.gz", "--json")
    assert (code, backed_up["indexes_on_servers"]) == (0, [])
    assert "Qdrant server" not in said


def test_2_its_models_are_listed_and_scored(today: Today) -> None:
    code, _, listed = today("models", "list", "--json")
    assert (code, [(each["id"], each["in_use"]) for each in listed["models"]]) == (0, [("tiny-1", True)])
    code, _, compared = today("models", "compare", "--json")
    assert (code, len(compared["models"])) == (0, 1)
    code, _, scores = today("evaluate", "--json")
    assert (code, scores["accuracy"], scores["num_photos"]) == (0, 1.0, 3)
    code, said, _ = today("drift", "catalogue")
    assert (code, "snapshelf drift PHOTOS --new-baseline --store store" in said) == (2, True)


def test_3_its_model_tells_what_is_unknown_by_what_it_always_did(shop: Shop) -> None:
    encoder = open_encoder(shop.store, SETTINGS)
    assert encoder.card.verdicts.unknown_below == 3.0
    pixels_NSSC = encoder.preprocess.apply(photo(COLOURS["red thing"], 1))[None]
    said = encoder.encode(pixels_NSSC)
    assert said.familiarity_N is not None
    assert said.familiarity_N[0] == said.logits_NC.max()


def test_4_its_index_is_read_or_refused_with_the_command_that_builds_another(shop: Shop, today: Today) -> None:
    code, said, answer = today("recommend", "catalogue/0.png", "--json")
    if shop.index_is_read:
        assert (code, answer["recommendations"][0]["product"]["id"]) == (0, "p00")
        return
    assert code == 2
    assert "has schema 1" in said
    assert "snapshelf index CATALOGUE --store DIR --replace" in said
    code, said, _ = today("models", "use", "tiny-1")
    assert code == 2
    assert "Run: snapshelf index CATALOGUE --model tiny-1 --store store" in said
    assert today("serve", "--port", "0")[0] == 2


def test_5_its_catalogue_is_indexed_in_place_or_anew(shop: Shop, today: Today) -> None:
    code, _, result = today("index", "catalogue/catalogue.csv", "--sync", "--json")
    embedded = 0 if shop.index_is_read else 12
    assert (code, result["products"]["total"], result["photos"]["embedded"]) == (0, 12, embedded)
    assert shop.store.ids("index") == [result["index_id"]]
    code, _, answer = today("recommend", "catalogue/0.png", "--json")
    assert (code, answer["prediction"]["verdict"]) == (0, "confident")
    assert answer["recommendations"][0]["product"]["id"] == "p00"


def test_6_it_is_served_with_what_customers_had_said(shop: Shop, today: Today) -> None:
    with TestClient(create_app(open_shelf(shop.store, SETTINGS), SETTINGS, shop.store)) as client:
        kept = client.get("/api/v1/admin/feedback", headers=ADMIN).json()
        assert [(each["comment"], each["state"]) for each in kept["feedback"]] == [
            (None, "waiting"),
            ("it is blue", "waiting"),
        ]
        review = {"state": "accepted"}
        reviewed = client.put("/api/v1/admin/feedback/1/review", json=review, headers=ADMIN).json()
        assert reviewed["label"] == "blue thing"
        white = client.post("/api/v1/recommendations", files={"photo": photo_bytes((250, 250, 250))}).json()
        assert white["prediction"]["verdict"] == "unknown"
        assert client.get("/api/v1/products/p03/image").status_code == 200
        models = client.get("/api/v1/admin/models", headers=ADMIN).json()["models"]
        assert [(each["id"], each["has_index"], each["state"]) for each in models] == [("tiny-1", True, "serving")]
    assert today("feedback", "export", "learnt", "--json")[0] == 0


def test_7_the_back_up_of_before_is_restored_and_brought_up_to_date(shop: Shop, today: Today) -> None:
    assert today("restore", "before.tar.gz", store="again")[0] == 0
    assert today("index", "catalogue/catalogue.csv", store="again")[0] == 0
    assert today("recommend", "catalogue/0.png", "--json", store="again")[0] == 0
    with closing(SqliteFeedback(shop.folder / "again" / "feedback.sqlite")) as queue:
        assert queue.counts()["waiting"] == 2


def test_8_its_model_is_exported_and_another_one_trained_on_its_photos(shop: Shop, today: Today) -> None:
    assert today("export", "--to", "onnx", "--output", "exported")[0] == 0
    outputs = json.loads((shop.folder / "exported" / "recipe.json").read_text("utf-8"))["outputs"]
    assert ("familiarity" in outputs) != ("the largest one below unknown_below" in outputs["logits"]["means"])
    assert today("train", "--recipe", "quick", "--backbone", "seed-cnn", "--weights", "none")[0] == 0
    assert today("index", "catalogue/catalogue.csv")[0] == 0
    code, said, _ = today("models", "use", "tiny-1")
    assert (code, "with the index tiny-1-" in said) == (0, True)


@pytest.mark.parametrize("kind", [DatasetCard, ModelCard, IndexCard, TogetherCard])
def test_a_newer_card_is_refused_with_what_to_do(
    kind: type[DatasetCard | ModelCard | IndexCard | TogetherCard], tmp_path: Path
) -> None:
    (tmp_path / "card.json").write_text('{"schema_version": 9, "id": "x", "of": "tomorrow"}')
    with pytest.raises(ArtifactMismatchError, match="Use a newer snapshelf, or make the artefact again: snapshelf"):
        kind.read(tmp_path)
