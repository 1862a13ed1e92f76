from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.artifacts.cards import DatasetCard, ModelCard
from snapshelf.artifacts.publish import sha256_file
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import MANIFEST, Dataset
from snapshelf.drift.baseline import Baseline
from snapshelf.errors import ConfigError, ExportCheckError, StoreError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines import train as pipeline
from snapshelf.pipelines.prepare import prepare
from snapshelf.pipelines.train import publish_pretrained, train
from snapshelf.pipelines.usual_photos import baseline_of_dataset
from snapshelf.training import export
from snapshelf.training.time_budget import Plan


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks this small gain nothing from a second thread, and lose much where other programs want the cores."""
    monkeypatch.setenv("SNAPSHELF_THREADS", "1")


@pytest.fixture
def prepared(store: Store, photo_folder: Path) -> Store:
    """A store whose data set holds 60 photos of 28 px in three classes."""
    prepare(store, str(photo_folder), size_px=28, limits=DecodeLimits(), num_threads=1)
    return store


def test_a_trained_model_is_whole_in_use_and_right(prepared: Store) -> None:
    result = train(prepared, backbone="compact", recipe="balanced")
    assert prepared.current("models") == result.folder
    assert result.model_id == f"compact-balanced-{result.card.onnx_sha256[:8]}"
    names = {path.name for path in result.folder.iterdir()}
    assert names == {
        "model.onnx",
        "checkpoint.safetensors",
        "config.toml",
        "card.json",
        "samples",
        "tensorboard",
        "history.json",
        "baseline.parquet",
    }
    assert list((prepared.root / "models").glob(".*")) == []  # nothing is left over

    dataset = Dataset(prepared.current("datasets"))
    encoder = OnnxEncoder(result.folder, num_threads=1)
    rows = dataset.rows("validation")
    right_N = encoder.encode(dataset.photos()[rows]).logits_NC.argmax(1) == dataset.class_indices()[rows]
    assert right_N.mean() == result.card.validation["accuracy"] > 0.8
    written = Baseline.read(result.folder, result.card)
    again = baseline_of_dataset(prepared, encoder, result.card)
    assert again.photos == written.photos == f"{len(rows)} validation photos of {dataset.id}"
    np.testing.assert_allclose(again.values_NQ, written.values_NQ, atol=0.05)  # trained in bfloat16
    np.testing.assert_allclose(again.embedding_ND, written.embedding_ND, atol=0.01)


def test_the_card_says_what_the_model_is_and_where_it_is_from(prepared: Store) -> None:
    result = train(prepared, backbone="compact", seed=3)
    card = ModelCard.read(result.folder)
    assert card == result.card
    assert (card.recipe, card.weights, card.seed, card.labels) == ("quick", "none", 3, ["blue", "green", "red"])
    assert card.dataset_id == prepared.current("datasets").name
    assert card.export_max_probability_difference < 1e-3
    assert card.verdicts.unknown_below is not None
    assert card.verdicts.unsure_below is not None
    assert card.verdicts.unknown_below < card.verdicts.unsure_below
    assert set(card.validation) == {"accuracy", "macro_f1", "ece", "num_photos"}
    config = tomllib.loads((result.folder / "config.toml").read_text("utf-8"))
    assert config["seed"] == 3
    assert config["schedule"]["augment"]["flip"] is False


def test_the_samples_are_validation_photos_of_different_classes(prepared: Store) -> None:
    result = train(prepared, backbone="compact")
    dataset = Dataset(prepared.current("datasets"))
    held_out = [photo_SSC.tobytes() for photo_SSC in dataset.photos()[dataset.rows("validation")]]
    samples = sorted((result.folder / "samples").iterdir())
    assert {sample.name.partition("-")[2] for sample in samples} == {"0.png", "1.png", "2.png"}
    assert all(np.asarray(Image.open(sample)).tobytes() in held_out for sample in samples)


def test_the_defaults_are_those_of_the_store(prepared: Store) -> None:
    prepared.config_path.write_text('[train]\nbackbone = "seed-cnn"\nseed = 5\n')
    card = train(prepared).card
    assert (card.backbone, card.recipe, card.seed) == ("seed-cnn", "quick", 5)


def test_a_broken_export_is_not_published(prepared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = train(prepared, backbone="compact").folder

    def refuse(*_: object) -> float:
        raise ExportCheckError("it answers otherwise")

    monkeypatch.setattr(export, "check_export", refuse)
    with pytest.raises(ExportCheckError):
        train(prepared, backbone="compact", seed=1)
    assert prepared.current("models") == before
    assert prepared.ids("models") == [before.name]


def test_a_data_set_without_validation_photos_is_refused(prepared: Store) -> None:
    folder = prepared.current("datasets")
    manifest = pq.read_table(folder / MANIFEST)
    column = manifest.schema.get_field_index("split")
    only_train = pa.array(["train"] * manifest.num_rows)
    pq.write_table(manifest.set_column(column, manifest.schema.field(column), only_train), folder / MANIFEST)
    card = DatasetCard.read(folder)
    card.model_copy(update={"manifest_sha256": sha256_file(folder / MANIFEST)}).write(folder)
    with pytest.raises(StoreError, match="no validation photos"):
        train(prepared, backbone="compact")


def test_the_small_networks_have_nothing_to_publish_before_training(store: Store) -> None:
    with pytest.raises(ConfigError, match="no pretrained weights"):
        publish_pretrained(store, "compact")


def test_the_pretrained_backbone_serves_before_any_training(store: Store) -> None:
    card = publish_pretrained(store, "tf_efficientnet_lite0")
    assert (card.recipe, card.labels, card.embedding_dim, card.preprocess.size_px) == ("pretrained", [], 1280, 224)
    encoder = OnnxEncoder(store.current("models"), num_threads=2)
    encoding = encoder.encode(np.zeros((2, 224, 224, 3), np.uint8))
    assert encoding.logits_NC.shape == (2, 0)
    np.testing.assert_allclose(np.linalg.norm(encoding.embedding_ND, axis=1), 1.0, atol=1e-5)


def test_a_time_is_kept(prepared: Store) -> None:
    started = time.monotonic()
    train(prepared, backbone="compact", time_budget="16s")
    assert time.monotonic() - started < 20


def test_what_fits_into_a_time_is_said_and_done(
    prepared: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline, "plan_within", lambda *_: Plan(3, 1234.0, time.monotonic() + 60))
    result = train(prepared, backbone="compact", time_budget="60s")
    assert (result.card.recipe, result.card.training["epochs"]) == ("timed", 3)
    assert "time for 3 epochs of the whole network, at 1,234 photos a second" in capsys.readouterr().err
    assert len(json.loads((result.folder / "history.json").read_text())["epochs"]) == 3


def test_a_time_and_a_recipe_are_one_too_many(prepared: Store) -> None:
    with pytest.raises(ConfigError, match="Give one of them"):
        train(prepared, backbone="compact", time_budget="16s", recipe="best")


def test_a_timed_run_that_was_killed_keeps_to_its_plan(prepared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "train_by", killed)
        patched.setattr(pipeline, "plan_within", lambda *_: Plan(3, 100.0, time.monotonic() + 60))
        with pytest.raises(KeyboardInterrupt):
            train(prepared, backbone="compact", time_budget="60s")
    assert train(prepared, backbone="compact", time_budget="60s").card.training["epochs"] == 3
