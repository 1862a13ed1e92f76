"""Models that were trained elsewhere, added to a store.

Shapes: N photos, S pixels a side, 3 channels.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto
from PIL import Image

from snapshelf.adapters.engines import open_model
from snapshelf.adapters.onnx_activation_maps import open_activation_maps
from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.drift.baseline import Baseline
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError, ConfigError, ModelFileError, StoreError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.add_model import Described, add_model
from snapshelf.pipelines.export import export
from snapshelf.pipelines.prepare import prepare
from snapshelf.pipelines.train import train
from snapshelf.settings import Engine
from tests.conftest import COLOURS, MakePicture
from tests.foreign_networks import LABELS, SIZE_PX, network, write_network
from tests.pipeline.test_journey import type_command

DOCS = Path(__file__).parents[2] / "docs" / "models.md"
NAMES = ",".join(LABELS)
SCALED = Described(NAMES, mean="127.5", std="127.5")
KERAS = "SNAPSHELF_TEST_KERAS"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for label, colour in COLOURS.items():
        (root / label).mkdir()
        for number in range(100):
            noise_HWC = random.integers(-30, 31, (20, 24, 3)) + random.integers(-12, 13, 3) + colour
            Image.fromarray(np.clip(noise_HWC, 0, 255).astype(np.uint8)).save(root / label / f"{number:02}.png")
    return root


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Store:
    """A store with photos of three things; tests add models to it and leave its data set as it is."""
    store = Store(tmp_path_factory.mktemp("add") / "store")
    prepare(store, str(photos), size_px=SIZE_PX, limits=DecodeLimits(), num_threads=1)
    return store


FORMS: dict[str, dict[str, Any]] = {
    "PyTorch's": {},
    "PyTorch's, for one photo": {"batch": 1},
    "Keras's": {"layout": "NSSC", "last": "MatMul", "opset": 15},
    "Keras's, grey, for one photo": {"layout": "NSSC", "channels": 1, "batch": 1},
    "grey planes": {"layout": "NCSS", "channels": 1, "last": "Sigmoid"},
    "grey, no axis for channels": {"layout": "NSS", "channels": 1, "last": "LogSoftmax"},
    "of any size": {"size_px": "S", "last": "Gemm"},
    "blue first": {"bgr": True},
    "uint8": {"element": TensorProto.UINT8, "layout": "NSSC"},
    "float16": {"element": TensorProto.FLOAT16},
    "old": {"opset": 9},
    "new": {"opset": 22},
    "probabilities, by whatever": {"last": "Exp"},
    "no linear layer": {"last": "Relu"},
    "with an embedding": {"extra": "embedding"},
}


@pytest.mark.parametrize("form", FORMS)
def test_networks_of_every_form(prepared: Store, tmp_path: Path, form: str) -> None:
    path = write_network(tmp_path / "net.onnx", **FORMS[form])
    is_whole = FORMS[form].get("element") == TensorProto.UINT8
    described = Described(NAMES, bgr=FORMS[form].get("bgr", False), mean="0" if is_whole else "127.5",
                          std="1" if is_whole else "127.5")  # fmt: skip
    added = add_model(prepared, path, described)
    card = ModelCard.read(added.folder)
    assert card.validation["accuracy"] >= 0.9
    assert card.export_max_probability_difference < (1e-2 if form == "float16" else 1e-3)
    assert card.embedding_dim == {"with an embedding": 5, "no linear layer": 3}.get(
        form, FORMS[form].get("channels", 3) + 1 if "probabilities" not in form else 3
    )
    assert len(Baseline.read(added.folder, card)) == card.validation["num_photos"]
    dataset = Dataset(prepared.current("datasets"))
    photos_NSSC = np.array(dataset.photos()[dataset.rows("test")])
    engines: list[Engine] = ["onnxruntime", "openvino"]
    for engine in engines if form in ("PyTorch's", "PyTorch's, for one photo") else engines[:1]:
        said = open_model(added.folder, num_threads=1, engine=engine).encode(photos_NSSC)
        truth = [card.labels.index(dataset.labels[place]) for place in dataset.class_indices()[dataset.rows("test")]]
        assert (said.logits_NC.argmax(axis=1) == truth).mean() >= 0.9
        np.testing.assert_allclose(np.linalg.norm(said.embedding_ND, axis=1), 1, atol=1e-4)
        assert said.familiarity_N is not None
        assert float(said.familiarity_N.mean()) == pytest.approx(0, abs=1)


def test_the_order_of_labels_is_the_models(prepared: Store, tmp_path: Path) -> None:
    path = write_network(tmp_path / "net.onnx")
    assert sorted(LABELS) == Dataset(prepared.current("datasets")).labels == LABELS
    model = onnx.load(path)
    (weights,) = (each for each in model.graph.initializer if each.name == "head.weight")
    _replace(model, "head.weight", np.roll(onnx.numpy_helper.to_array(weights), 1, axis=1))  # red, blue, green
    onnx.save(model, path)
    (tmp_path / "labels.json").write_text(json.dumps({"red": 0, "blue": 1, "green": 2}))
    added = add_model(prepared, path, Described(str(tmp_path / "labels.json"), mean="127.5", std="127.5"))
    assert added.card.labels == ["red", "blue", "green"]
    assert added.card.validation["accuracy"] >= 0.9
    names = sorted(path.name for path in (added.folder / "samples").iterdir())
    assert {name.partition("-")[2] for name in names} == {"0.png", "1.png", "2.png"}
    sample = np.asarray(Image.open(added.folder / "samples" / next(each for each in names if each.endswith("-0.png"))))
    assert sample.mean(axis=(0, 1)).argmax() == 0  # a red thing
    with pytest.raises(ConfigError, match=r"in another one .*seem to be: red,blue,green"):
        add_model(prepared, path, SCALED)


def test_what_is_unknown_on_either_side_is_said(
    prepared: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_network(tmp_path / "net.onnx")
    added = add_model(prepared, path, Described("blue,green,hat", mean="127.5", std="127.5"))
    said = capfd.readouterr().err
    assert "The model does not know: red." in said
    assert "no photos to check it on of: hat." in said
    assert added.card.validation["num_photos"] == 20
    with pytest.raises(ConfigError, match=r"None of --labels \(a, b, c\).*\(blue, green, red\).*letter by letter"):
        add_model(prepared, path, Described("a,b,c", mean="127.5", std="127.5"))


def test_another_scaling_that_fits_better_is_named(prepared: Store, tmp_path: Path) -> None:
    path = write_network(tmp_path / "net.onnx", mean=0, std=1)
    with pytest.raises(ConfigError, match=r"With --mean 0 --std 255 .* 33\.3%.* with --mean 0 --std 1 (9\d|100)\.\d%"):
        add_model(prepared, path, Described(NAMES, std="255"))
    assert add_model(prepared, path, Described(NAMES)).card.validation["accuracy"] >= 0.9


def test_a_model_that_knows_nothing_is_added_with_a_warning(
    prepared: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = network()
    _replace(model, "head.weight", np.zeros((4, 3)))
    onnx.save(model, tmp_path / "net.onnx")
    add_model(prepared, tmp_path / "net.onnx", SCALED)
    assert "Warning: that is no better than always naming one category (0.3333)" in capfd.readouterr().err


def test_weights_in_a_file_beside(prepared: Store, tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    onnx.save(
        network(), tmp_path / "from" / "net.onnx", save_as_external_data=True, location="w.data", size_threshold=0
    )
    added = add_model(prepared, tmp_path / "from" / "net.onnx", SCALED)
    shutil.rmtree(tmp_path / "from")
    assert OnnxEncoder(added.folder, num_threads=1).card.validation["accuracy"] >= 0.9


def test_long_embeddings_are_projected(tmp_path: Path, make_picture: MakePicture) -> None:
    store = Store(tmp_path / "store")
    for label in COLOURS:  # more photos to learn from than numbers that are kept
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(120):
            make_picture(label, number, (20, 20)).save(tmp_path / "photos" / label / f"{number}.png")
    prepare(store, str(tmp_path / "photos"), size_px=SIZE_PX, limits=DecodeLimits(), num_threads=1)
    model = network(extra="embedding")
    _replace(model, "embedding.weight", np.random.default_rng(0).normal(size=(4, 300)))
    onnx.save(model, tmp_path / "net.onnx")
    added = add_model(store, tmp_path / "net.onnx", SCALED)
    assert added.card.embedding_dim == 256
    said = OnnxEncoder(added.folder, num_threads=1).encode(np.zeros((2, SIZE_PX, SIZE_PX, 3), np.uint8))
    assert said.embedding_ND.shape == (2, 256)


def _replace(model: onnx.ModelProto, name: str, value: NDArray[Any]) -> None:
    (weights,) = (each for each in model.graph.initializer if each.name == name)
    weights.CopyFrom(onnx.numpy_helper.from_array(value.astype(np.float32), name))


def test_the_journey_with_an_added_model(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], photos: Path, tmp_path: Path
) -> None:
    shop, path = tmp_path / "shop", write_network(tmp_path / "My Net (v2).onnx", batch=1)
    options = ["--labels", NAMES, "--mean", "127.5", "--std", "127.5", "--store", shop]
    assert type_command(monkeypatch, capfd, "models", "add", path, *options)[0] == 2  # no photos yet
    assert type_command(monkeypatch, capfd, "prepare", photos, "--size", SIZE_PX, "--store", shop)[0] == 0
    code, out = type_command(monkeypatch, capfd, "models", "add", path, *options, "--json")
    first = json.loads(out)
    assert (code, first["in_use"]) == (0, True)
    assert first["model_id"].startswith("my-net-v2-added-")
    code, out = type_command(monkeypatch, capfd, "evaluate", "--store", shop, "--json")
    assert code == 0
    assert json.loads(out)["accuracy"] >= 0.9
    words = (shop / "models" / first["model_id"] / "model-card.md").read_text("utf-8")
    assert "Trained elsewhere: it is the model of `My Net (v2).onnx sha256:" in words
    for label in COLOURS:
        (tmp_path / "shelf" / label).mkdir(parents=True)
        for number in range(4):
            shutil.copy(photos / label / f"{number:02}.png", tmp_path / "shelf" / label)
    assert type_command(monkeypatch, capfd, "index", tmp_path / "shelf", "--store", shop)[0] == 0
    code, out = type_command(monkeypatch, capfd, "recommend", photos / "red" / "07.png", "--store", shop, "--json")
    answer = json.loads(out)
    assert answer["prediction"]["label"] == "red"
    assert answer["recommendations"][0]["product"]["category"] == "red"

    code, out = type_command(
        monkeypatch, capfd, "models", "add", write_network(tmp_path / "b.onnx"), *options, "--json"
    )
    second = json.loads(out)
    assert (code, second["in_use"]) == (0, False)
    assert type_command(monkeypatch, capfd, "models", "use", second["model_id"], "--store", shop)[0] == 2
    arguments = ["index", tmp_path / "shelf", "--model", second["model_id"], "--store", shop]
    assert type_command(monkeypatch, capfd, *arguments)[0] == 0
    assert type_command(monkeypatch, capfd, "models", "use", second["model_id"], "--store", shop)[0] == 0
    code, out = type_command(monkeypatch, capfd, "models", "compare", "--store", shop)
    assert "b, added" in out
    assert "? photos, 3 classes" in out


def test_what_an_added_model_is_exported_as(prepared: Store, tmp_path: Path) -> None:
    added = add_model(prepared, write_network(tmp_path / "net.onnx"), SCALED)
    to_onnx = export(prepared, to="onnx", model_id=added.card.id, folder=tmp_path / "onnx")
    assert to_onnx.parity.agreement == 1.0
    export(prepared, to="openvino", model_id=added.card.id, folder=tmp_path / "openvino")
    with pytest.raises(ConfigError, match=r"was trained elsewhere, .*snapshelf models add"):
        train(prepared, start=added.card.id)


@pytest.mark.parametrize("batch", ["N", 1])
def test_a_model_that_was_exported_here_is_taken(prepared: Store, tmp_path: Path, batch: str | int) -> None:
    """Of another store, say; its outputs are known by their shapes."""
    first = add_model(prepared, write_network(tmp_path / "net.onnx", batch=batch), SCALED)
    export(prepared, to="onnx", model_id=first.card.id, folder=tmp_path / "app")
    again = add_model(prepared, tmp_path / "app" / "model.onnx", Described(str(tmp_path / "app" / "labels.txt")))
    photos_NSSC = np.array(Dataset(prepared.current("datasets")).photos()[:5])
    one, other = (OnnxEncoder(each.folder, num_threads=1).encode(photos_NSSC) for each in (first, again))
    np.testing.assert_allclose(one.logits_NC, other.logits_NC, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(one.embedding_ND, other.embedding_ND, atol=1e-4)


def test_where_a_network_looks(prepared: Store, tmp_path: Path) -> None:
    added = add_model(prepared, write_network(tmp_path / "net.onnx"), SCALED)
    assert open_activation_maps(added.folder / "model.onnx", num_threads=1) is None  # two layers follow the average
    linear = torch.nn.Linear(4, 3)
    convolution = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, stride=2), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), linear
    )
    torch.nn.init.zeros_(linear.weight)  # so that no scaling and no order is better
    torch.onnx.export(
        convolution.eval(), (torch.zeros(2, 3, 16, 16),), tmp_path / "conv.onnx", dynamo=False,
        input_names=["x"], dynamic_axes={"x": {0: "N"}},
    )  # fmt: skip
    added = add_model(prepared, tmp_path / "conv.onnx", Described(NAMES, std="255"))
    maps = open_activation_maps(added.folder / "model.onnx", num_threads=1)
    assert maps is not None
    assert maps.of(np.zeros((2, 16, 16, 3), np.uint8), np.array([0, 1])).shape == (2, 7, 7)


WRONG: list[tuple[dict[str, Any], Described, type[Exception], str]] = [
    ({}, Described("blue,green", mean="127.5", std="127.5"), ModelFileError, r"2 labels, but .*\(N, 2\)"),
    ({"extra": "twin"}, SCALED, ModelFileError, r"Several outputs .* 3 numbers .*answers \(N, 3\); twin \(N, 3\)"),
    ({"mean": 0, "std": 1}, Described(NAMES, mean="0.485,0.456,0.406", std="0.229,0.224,0.225"), ConfigError,
     r"from 0 to 1; .*--mean 123\.675,116\.28,103\.53 --std 58\.395,57\.12,57\.375"),
    ({}, Described(NAMES, std="0"), ConfigError, "--std is 0; expected numbers above 0"),
    ({}, Described(NAMES, mean="1,2"), ConfigError, "--mean is '1,2'; expected one number, or three"),
    ({}, Described(NAMES, mean="nan"), ConfigError, "--mean is 'nan'"),
    ({"channels": 1}, Described(NAMES, mean="1,2,3"), ConfigError, "expected one number, for pixels"),
    ({"channels": 1}, Described(NAMES, bgr=True), ConfigError, "--bgr: the model takes grey photos"),
    ({"element": TensorProto.UINT8}, SCALED, ConfigError, "scales pixels itself. Leave out --mean"),
    ({"size_px": 32}, SCALED, ArtifactMismatchError, "takes photos of 32 px, .*squash-16.*prepare SOURCE --size 32"),
    ({"size_px": "S"}, Described(NAMES, 32, "127.5", "127.5"), ArtifactMismatchError, "takes photos of 32 px"),
    ({}, Described(NAMES, 32), ConfigError, "--size is 32, but .* takes photos of 16 px"),
    ({"size_px": 4}, SCALED, ConfigError, "of 4 px; models take 8 to 1024"),
    ({"batch": 8}, SCALED, ModelFileError, "8 photos at a time. Export it for any number"),
    ({"channels": 2}, SCALED, ModelFileError, r"\(any, 2, 16, 16\); expected photos"),
    ({"size_px": 3}, SCALED, ModelFileError, "expected photos"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "described", "error", "says"), WRONG)
def test_what_cannot_be_is_refused(
    prepared: Store, tmp_path: Path, form: dict[str, Any], described: Described, error: type[Exception], says: str
) -> None:
    path = write_network(tmp_path / "net.onnx", **form)
    before = prepared.ids("models")
    with pytest.raises(error, match=says):
        add_model(prepared, path, described)
    assert prepared.ids("models") == before


def test_answers_that_are_no_numbers_are_refused(prepared: Store, tmp_path: Path) -> None:
    model = network()
    _replace(model, "head.weight", np.full((4, 3), np.nan))
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(ModelFileError, match="output answers holds what is no number"):
        add_model(prepared, tmp_path / "net.onnx", SCALED)


def test_photos_that_calibrate_are_needed(photos: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for label in COLOURS:
        shutil.copytree(photos / label, tmp_path / "split" / "train" / label)
    shutil.copytree(photos / "red", tmp_path / "split" / "validation" / "red")
    prepare(store, str(tmp_path / "split"), size_px=SIZE_PX, limits=DecodeLimits(), num_threads=1)
    path = write_network(tmp_path / "net.onnx")
    with pytest.raises(StoreError, match="has no validation photos of what the model knows"):
        add_model(store, path, Described("blue,green,hat", mean="127.5", std="127.5"))
    with pytest.raises(ArtifactMissingError, match=r"none are prepared yet.*prepare SOURCE --size 16"):
        add_model(Store(tmp_path / "empty"), path, SCALED)


def test_the_lines_for_pytorch_export_what_is_taken(
    prepared: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With weights in a file beside it, as PyTorch writes them by itself."""
    program = next(text for text in _programs() if "torch.onnx.export" in text)
    monkeypatch.chdir(tmp_path)
    linear = torch.nn.Linear(48, 3)
    model = torch.nn.Sequential(torch.nn.AvgPool2d(4), torch.nn.Flatten(), linear)
    torch.nn.init.zeros_(linear.weight)
    model.pretrained_cfg = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}  # type: ignore[assignment]
    exec(program, {"model": model, "size": SIZE_PX})
    said = capfd.readouterr().out.split()
    assert said[-4:] == ["--mean", "123.675,116.28,103.53", "--std", "58.395,57.12,57.375"]
    added = add_model(prepared, tmp_path / "model.onnx", Described(NAMES, mean=said[-3], std=said[-1]))
    assert "for one photo at a time" not in capfd.readouterr().err
    assert added.card.embedding_dim == 48


def _programs() -> list[str]:
    return re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)


@pytest.mark.keras
@pytest.mark.skipif(KERAS not in os.environ, reason="no TensorFlow: make test-keras installs it beside, and runs this")
def test_keras_is_right_as_often_here_as_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The program of the docs, on Fashion-MNIST, for one epoch instead of five."""
    shop = tmp_path / "shop"
    assert type_command(monkeypatch, capfd, "prepare", "fashion-mnist", "--quick", "--store", shop)[0] == 0
    program = next(text for text in _programs() if "import keras" in text)
    run = subprocess.run(
        [Path(os.environ[KERAS]).absolute(), "-c", program, shop, tmp_path / "seed.onnx", "1"],
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    keras_accuracy = json.loads(run.stdout.splitlines()[-1])["accuracy"]
    labels = ["--labels", tmp_path / "labels.json", "--store", shop]
    assert type_command(monkeypatch, capfd, "models", "add", tmp_path / "seed.onnx", *labels)[0] == 0
    _, out = type_command(monkeypatch, capfd, "evaluate", "--store", shop, "--json")
    accuracy = json.loads(out)["accuracy"]
    with capfd.disabled():
        sys.stdout.write(f"\nof 10,000 test photos Keras recognises {keras_accuracy:.4f}, snapshelf {accuracy:.4f}\n")
    assert keras_accuracy > 0.8
    assert accuracy == pytest.approx(keras_accuracy, abs=2e-4)  # two photos of 10,000
