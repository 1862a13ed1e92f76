"""The journey as a new user types it, on a small folder of photos, with the real backbone, model file and index."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from snapshelf import cli
from snapshelf.artifacts.cards import IndexCard, ModelCard
from snapshelf.artifacts.store import Store


def type_command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str]:
    """Run a command; its exit code and what it wrote to standard output."""
    capfd.readouterr()
    monkeypatch.setattr(sys, "argv", ["snapshelf", *map(str, arguments)])
    try:
        cli.main()
    except SystemExit as leaving:
        return int(leaving.code or 0), capfd.readouterr().out
    return 0, capfd.readouterr().out


def test_from_photos_to_recommendations(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, photo_folder: Path
) -> None:
    (photo_folder / "red" / "notes.jpg").write_text("not a photo")
    shop = tmp_path / "shop"
    monkeypatch.chdir(tmp_path)

    assert type_command(monkeypatch, capfd, "init", shop)[0] == 0
    assert type_command(monkeypatch, capfd, "prepare", photo_folder, "--store", shop) == (0, "")
    assert type_command(monkeypatch, capfd, "train", "--recipe", "quick", "--store", shop) == (0, "")
    code, out = type_command(monkeypatch, capfd, "evaluate", "--store", shop, "--json")
    metrics = json.loads(out)
    assert code == 0
    assert metrics["accuracy"] == 1.0
    assert metrics["num_photos"] == 6
    assert type_command(monkeypatch, capfd, "index", photo_folder, "--store", shop) == (0, "")
    code, out = type_command(
        monkeypatch, capfd, "recommend", photo_folder / "blue" / "00.png", "--store", shop, "--json", "--top-k", 5
    )
    answer = json.loads(out)
    assert code == 0
    assert answer["prediction"]["label"] == "blue"
    assert answer["recommendations"][0]["similarity"] == pytest.approx(1, abs=1e-3)
    assert {each["product"]["category"] for each in answer["recommendations"]} == {"blue"}

    store = Store(shop)
    report = json.loads((store.current("datasets") / "report.json").read_text("utf-8"))
    assert [each["path"] for each in report["rejected"]] == ["red/notes.jpg"]
    card = ModelCard.read(store.current("models"))
    assert card.export_max_probability_difference <= 1e-3
    assert IndexCard.read(store.current("index")).model_id == card.id
    assert list((store.current("models") / "samples").iterdir())


def test_a_catalogue_is_searchable_before_any_training(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, photo_folder: Path
) -> None:
    shop = tmp_path / "shop"
    assert type_command(monkeypatch, capfd, "index", photo_folder, "--store", shop) == (0, "")
    code, out = type_command(
        monkeypatch, capfd, "recommend", photo_folder / "green" / "03.png", "--store", shop, "--json"
    )
    prediction = json.loads(out)["prediction"]
    assert code == 0
    assert prediction["label"] == "green"
    assert prediction["verdict"] in ("likely", "unsure")
    assert type_command(monkeypatch, capfd, "evaluate", "--store", shop)[0] == 2
