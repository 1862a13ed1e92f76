"""Trainings told to MLflow: to its own store of files, which its client writes as it would speak to a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from snapshelf import cli
from snapshelf.artifacts.store import Store
from snapshelf.errors import ConfigError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.prepare import prepare
from snapshelf.pipelines.publish_model import TrainResult
from snapshelf.pipelines.tracking import MlflowTracker
from tests.tiny_store import write_model

mlflow = pytest.importorskip("mlflow")


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("SNAPSHELF_THREADS", "1")


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return (tmp_path / "mlruns").as_uri()


def runs(uri: str, experiment: str) -> list[Any]:
    client = mlflow.MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    return list(client.search_runs([found.experiment_id]))


@pytest.fixture
def result(tmp_path: Path) -> TrainResult:
    card = write_model(tmp_path / "model")
    (tmp_path / "model" / "config.toml").write_text('backbone = "mean-colour"\n\n[schedule]\nepochs = 2\n', "utf-8")
    epochs = [{"loss": 1.5, "accuracy": 0.5}, {"loss": 0.5, "accuracy": 0.75}]
    (tmp_path / "model" / "history.json").write_text(json.dumps({"epochs": epochs}), "utf-8")
    return TrainResult(card.id, tmp_path / "model", card)


def test_settings_epochs_and_scores(uri: str, result: TrainResult) -> None:
    MlflowTracker(uri).tell(result, "The shop")
    MlflowTracker(uri).tell(result, "The shop")
    first, second = runs(uri, "The shop")
    assert first.info.run_name == second.info.run_name == "tiny-1"
    assert first.info.status == "FINISHED"
    assert first.data.params == {"backbone": "mean-colour", "schedule.epochs": "2"}
    assert first.data.metrics == {"loss": 0.5, "accuracy": 0.75, "validation.accuracy": 1.0, "validation.macro_f1": 1.0}
    assert first.data.tags["onnx_sha256"] == result.card.onnx_sha256
    losses = mlflow.MlflowClient(tracking_uri=uri).get_metric_history(first.info.run_id, "loss")
    assert [(each.step, each.value) for each in losses] == [(1, 1.5), (2, 0.5)]


def test_a_server_that_does_not_answer_costs_no_model(result: TrainResult, capfd: pytest.CaptureFixture[str]) -> None:
    MlflowTracker("http://127.0.0.1:9").tell(result, "The shop")
    assert "MLflow at http://127.0.0.1:9 was not told of tiny-1" in capfd.readouterr().err


def test_without_mlflow(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ConfigError, match=r"SNAPSHELF_MLFLOW_URI.*pip install 'snapshelf\[mlflow\]'"):
        MlflowTracker(uri)


def test_an_address_that_is_none() -> None:
    with pytest.raises(ConfigError, match="SNAPSHELF_MLFLOW_URI is gopher://shop, which MLflow does not take"):
        MlflowTracker("gopher://shop")


@pytest.mark.parametrize("is_on", [True, False])
def test_by_the_command(
    store: Store, photo_folder: Path, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_on: bool
) -> None:
    prepare(store, str(photo_folder), size_px=28, limits=DecodeLimits(), num_threads=1)
    if is_on:
        monkeypatch.setenv("SNAPSHELF_MLFLOW_URI", uri)
    words = ["snapshelf", "train", "--store", str(store.root), "--backbone", "compact", "--recipe", "balanced"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    assert leaving.value.code == 0
    assert (tmp_path / "mlruns").exists() == is_on
    if is_on:
        (run,) = runs(uri, store.config().name)
        assert run.info.run_name == store.current("models").name
        assert {
            "loss",
            "validation_loss",
            "accuracy",
            "validation.accuracy",
            "training.seconds",
        } <= run.data.metrics.keys()


def test_mlflow_tells_nobody_else(uri: str, tmp_path: Path) -> None:
    """By itself it asks config.mlflow-telemetry.io, in a thread, as soon as it is imported, but not in tests."""
    write_model(tmp_path / "model")
    (tmp_path / "model" / "config.toml").write_text("seed = 0\n", "utf-8")
    program = f"""
import sys, time
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        print(event, arguments)
sys.addaudithook(watch)
from pathlib import Path
from snapshelf.artifacts.cards import ModelCard
from snapshelf.pipelines.tracking import MlflowTracker
from snapshelf.pipelines.publish_model import TrainResult
folder = Path({str(tmp_path / "model")!r})
card = ModelCard.read(folder)
MlflowTracker({uri!r}).tell(TrainResult(card.id, folder, card), "The shop")
time.sleep(1)
"""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST") and name != "CI"}
    found = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, env=ours)
    assert (found.returncode, found.stdout) == (0, ""), found.stderr
    assert runs(uri, "The shop")
