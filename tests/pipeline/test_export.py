"""A model in the forms that phones and other engines take.

Shapes: N photos, S pixels a side, 3 channels.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from snapshelf import cli
from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.artifacts.publish import sha256_file
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError, ConfigError, ExportCheckError
from snapshelf.exports import forms
from snapshelf.exports.forms import Form, Quantize
from snapshelf.exports.parity import opened, parity_of
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines import export as pipeline
from snapshelf.pipelines.export import export
from snapshelf.pipelines.prepare import prepare
from snapshelf.pipelines.train import publish_pretrained, train
from snapshelf.training.reopened import reopen
from tests.conftest import MakePicture

LITERT = pytest.param("litert", marks=pytest.mark.litert)
MODEL: dict[Form, set[str]] = {
    "onnx": {"model.onnx"},
    "openvino": {"model.xml", "model.bin"},
    "litert": {"model.tflite"},
}
ENGINE: dict[Form, str] = {"onnx": "onnxruntime", "openvino": "openvino", "litert": "ai_edge_litert"}
DOCS = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.fixture(params=["onnx", "openvino", LITERT])
def form(request: pytest.FixtureRequest) -> Form:
    wanted: Form = request.param
    if wanted == "litert":
        pytest.importorskip("litert_torch", reason="[litert] is not installed; make test-litert does, and runs these")
    return wanted


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a data set and a model of three classes, which no test changes."""
    root = tmp_path_factory.mktemp("export")
    random = np.random.default_rng(0)
    for label, colour in {"r": (200, 50, 40), "g": (40, 170, 60), "b": (40, 60, 200)}.items():
        (root / "photos" / label).mkdir(parents=True)
        for number in range(20):
            noise_HWC = np.clip(random.integers(-30, 31, (40, 48, 3)) + colour, 0, 255)
            Image.fromarray(noise_HWC.astype(np.uint8)).save(root / "photos" / label / f"{number:02}.png")
    store = Store(root / "store")
    prepare(store, str(root / "photos"), size_px=28, limits=DecodeLimits(), num_threads=1)
    train(store, backbone="compact", recipe="balanced")
    return store


@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_an_exported_model_says_the_same(trained: Store, tmp_path: Path, form: Form, quantize: Quantize) -> None:
    result = export(trained, to=form, quantize=quantize, folder=tmp_path / "app")
    parity = result.parity
    num_validation = len(Dataset(trained.current("datasets")).rows("validation"))
    assert (parity.num_photos, parity.num_validation) == (num_validation, num_validation)  # too few for more
    assert parity.agreement == 1.0
    assert parity.exported_accuracy == parity.accuracy == 1.0
    assert parity.max_probability_difference is not None
    if quantize == "none":
        assert parity.max_probability_difference < 1e-4
        assert parity.lowest_similarity > 0.9999
    else:
        assert 0 < parity.max_probability_difference < 0.2
        assert parity.lowest_similarity > 0.9
    assert {path.name for path in (tmp_path / "app").iterdir()} == MODEL[form] | {
        "recipe.json",
        "parity.json",
        "labels.txt",
    }
    assert result.files == {path.name: sha256_file(path) for path in (tmp_path / "app").iterdir()}
    assert json.loads((tmp_path / "app" / "parity.json").read_text("utf-8")) == parity.to_json()


def test_the_recipe_lies_beside_the_model_and_inside(trained: Store, tmp_path: Path, form: Form) -> None:
    result = export(trained, to=form, folder=tmp_path / "app")
    recipe = json.loads((tmp_path / "app" / "recipe.json").read_text("utf-8"))
    assert recipe["model_id"] == result.model_id
    assert recipe["labels"] == ["b", "g", "r"]
    assert (tmp_path / "app" / "labels.txt").read_text("utf-8") == "b\ng\nr\n"
    assert recipe["input"]["shape"] == [1, 28, 28, 3]
    names = [output.get("is", name) for name, output in recipe["outputs"].items()]
    assert names == ["logits", "embedding", "familiarity"]
    assert recipe["verdicts"]["unknown_below"] is not None
    if form == "onnx":
        (inside,) = onnx.load(tmp_path / "app" / "model.onnx").metadata_props
        assert json.loads(inside.value) == recipe
    elif form == "litert":
        with zipfile.ZipFile(tmp_path / "app" / "model.tflite") as attached:
            assert json.loads(attached.read("recipe.json")) == recipe
            assert attached.read("labels.txt") == b"b\ng\nr\n"
    else:
        from snapshelf.adapters.quiet_openvino import ov  # noqa: PLC0415

        read = ov.Core().read_model(tmp_path / "app" / "model.xml")
        assert json.loads(read.get_rt_info(forms.METADATA_KEY).astype(str)) == recipe


def test_integers_make_a_model_smaller(trained: Store, tmp_path: Path) -> None:
    parity = export(trained, to="onnx", quantize="int8", folder=tmp_path / "app").parity
    assert parity.exported_megabytes < 0.6 * parity.megabytes


def test_a_model_that_answers_otherwise_is_not_written(
    trained: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "older").write_text("kept")
    exact = parity_of

    def worse(*arguments: object, **options: object) -> object:
        return replace(exact(*arguments, **options), accuracy=0.9, exported_accuracy=0.88)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "parity_of", worse)
    with pytest.raises(ExportCheckError, match=r"right for 88\.0%, the store's own for 90\.0%.*Take --quantize none"):
        export(trained, to="onnx", quantize="int8", folder=tmp_path / "app")
    assert [path.name for path in tmp_path.rglob("*")] == ["app", "older"]

    def different(*arguments: object, **options: object) -> object:
        return replace(exact(*arguments, **options), max_probability_difference=0.01)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "parity_of", different)
    with pytest.raises(ExportCheckError, match=r"a probability differs by 0\.01; at most 0\.001"):
        export(trained, to="onnx", folder=tmp_path / "app")
    assert [path.name for path in tmp_path.rglob("*")] == ["app", "older"]


def test_without_photos_nothing_can_be_compared(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    publish_pretrained(store, "tf_efficientnet_lite0")
    with pytest.raises(ArtifactMissingError, match="snapshelf prepare SOURCE"):
        export(store, to="onnx")


def test_photos_of_another_size_are_refused(tmp_path: Path, photo_folder: Path) -> None:
    store = Store(tmp_path / "store")
    publish_pretrained(store, "tf_efficientnet_lite0")
    prepare(store, str(photo_folder), size_px=28, limits=DecodeLimits(), num_threads=1)
    with pytest.raises(ArtifactMismatchError, match=r"squash-28.*takes squash-224.*snapshelf prepare"):
        export(store, to="onnx")


def test_a_model_without_labels_has_embeddings_alone(tmp_path: Path, photo_folder: Path) -> None:
    store = Store(tmp_path / "store")
    publish_pretrained(store, "tf_efficientnet_lite0")
    prepare(store, str(photo_folder), size_px=224, limits=DecodeLimits(), num_threads=1)
    parity = export(store, to="openvino", folder=tmp_path / "app").parity
    assert parity.agreement is parity.accuracy is parity.max_probability_difference is None
    assert parity.lowest_similarity > 0.9999
    look = opened(tmp_path / "app" / "model.xml", "openvino", 1)
    assert look(np.zeros((1, 224, 224, 3), np.uint8))[1].shape == (1, 1280)


def test_without_openvino(trained: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snapshelf.adapters.quiet_openvino", None)
    with pytest.raises(ConfigError, match=r"pip install 'snapshelf\[openvino\]'"):
        export(trained, to="openvino", folder=tmp_path / "app")


def test_without_the_converter_for_phones(trained: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    monkeypatch.delitem(sys.modules, "snapshelf.exports.litert", raising=False)
    with pytest.raises(ConfigError, match=r"litert_torch.*pip install 'snapshelf\[train,litert\]'"):
        export(trained, to="litert", folder=tmp_path / "app")


def test_a_network_is_opened_again_as_it_was_exported(trained: Store) -> None:
    folder = trained.current("models")
    photos_NSSC = Dataset(trained.current("datasets")).photos()[:8]
    expected = OnnxEncoder(folder, num_threads=1).encode(photos_NSSC)
    with torch.inference_mode():
        logits_NC, embedding_ND, familiarity_N = reopen(folder)(torch.from_numpy(np.array(photos_NSSC)))
    assert logits_NC.numpy() == pytest.approx(expected.logits_NC, abs=1e-4)
    assert embedding_ND.numpy() == pytest.approx(expected.embedding_ND, abs=1e-5)
    assert familiarity_N.numpy() == pytest.approx(expected.familiarity_N, abs=1e-3)


def test_without_a_checkpoint(trained: Store, tmp_path: Path) -> None:
    shutil.copytree(trained.current("models"), tmp_path / "model")
    (tmp_path / "model" / "checkpoint.safetensors").unlink()
    with pytest.raises(ArtifactMissingError, match=r"checkpoint\.safetensors is missing.*--to onnx"):
        reopen(tmp_path / "model")


def test_by_the_command(
    trained: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["snapshelf", "export", "--to", "onnx", "--store", str(trained.root), "--output", str(tmp_path / "app")]
    monkeypatch.setattr("sys.argv", [*words, "--json"])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    assert leaving.value.code == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["parity"]["agreement"] == 1.0
    assert "the same label for 100.0% of" in err
    assert "validation photos 1.0000 before, 1.0000 now" in err


def test_the_lines_of_the_docs_run_it(trained: Store, tmp_path: Path, form: Form, make_picture: MakePicture) -> None:
    """On a machine without snapshelf."""
    export(trained, to=form, folder=tmp_path / "app")
    make_picture("green", 99).save(tmp_path / "photo.jpg")
    programs = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    program = next(text for text in programs if ENGINE[form] in text)
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.modules |= {'snapshelf': None, 'openvino_telemetry': None}\n" + program,
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.startswith("g ")


def test_for_browsers_the_weights_take_half_the_room(trained: Store) -> None:
    result = export(trained, to="web")
    assert result.folder == trained.export_folder(result.model_id, "web")
    assert result.parity.agreement == 1.0
    assert result.parity.exported_megabytes < 0.6 * result.parity.megabytes
    recipe = json.loads((result.folder / "recipe.json").read_text("utf-8"))
    assert recipe["labels"] == ["b", "g", "r"]


def test_for_browsers_there_are_no_integers(trained: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Leave --quantize out"):
        export(trained, to="web", quantize="int8", folder=tmp_path / "app")
    assert not (tmp_path / "app").exists()


def test_a_model_that_answers_otherwise_in_16_bits_is_refused(trained: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(said: object, exported: object, *arguments: object, **options: object) -> object:
        return replace(parity_of(said, exported, *arguments, **options), agreement=0.98)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "parity_of", other)
    with pytest.raises(ExportCheckError, match="expected at least 99%"):
        export(trained, to="web", folder=trained.root / "other")
