from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from snapshelf.errors import ExportCheckError
from snapshelf.training.backbones import Backbone, load_backbone
from snapshelf.training.export import Readout, check_export, export_onnx
from snapshelf.training.familiarity import Familiarity, class_means
from snapshelf.training.inference import look_at
from snapshelf.training.loop import Photos
from snapshelf.training.normalisation import Normalisation


def backbone(num_classes: int = 3) -> Backbone:
    torch.manual_seed(0)
    return load_backbone("compact", num_classes, size_px=12)


def test_the_exported_model_answers_as_the_network_does(photos: Photos, tmp_path: Path) -> None:
    learner = backbone()
    export_onnx(learner, tmp_path / "model.onnx")
    assert check_export(learner, tmp_path / "model.onnx", photos.photos_NSSC[:20]) < 1e-5
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]  # one file, no weights beside it


def test_names_types_and_lengths_are_as_promised(photos: Photos, tmp_path: Path) -> None:
    export_onnx(backbone(), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape) == ("photos", "tensor(uint8)", ["N", 12, 12, 3])
    assert [output.name for output in session.get_outputs()] == ["logits", "embedding"]
    for num in (1, 5):
        logits_NC, embedding_ND = session.run(None, {"photos": photos.photos_NSSC[:num]})
        assert logits_NC.shape == (num, 3)
        np.testing.assert_allclose(np.linalg.norm(embedding_ND, axis=1), 1.0, atol=1e-5)


def test_where_it_can_be_told_the_model_says_how_familiar_a_photo_is(photos: Photos, tmp_path: Path) -> None:
    learner = backbone()
    rows = np.arange(30)
    seen = look_at(learner, photos.photos_NSSC, rows)
    familiarity = Familiarity(class_means(seen.embedding_ND, photos.labels_N[rows], 3), 1.5, seen)
    export_onnx(learner, tmp_path / "model.onnx", Readout(familiarity))
    assert check_export(learner, tmp_path / "model.onnx", photos.photos_NSSC[:5], Readout(familiarity)) < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [output.name for output in session.get_outputs()] == ["logits", "embedding", "familiarity"]
    (familiarity_N,) = session.run(["familiarity"], {"photos": photos.photos_NSSC[:30]})
    assert familiarity_N.shape == (30,)
    assert float(familiarity_N.mean()) == pytest.approx(0.0, abs=0.1)

    other = Familiarity(familiarity.means_DC.T, 3.0, seen)
    with pytest.raises(ExportCheckError, match="the familiarity differs"):
        check_export(learner, tmp_path / "model.onnx", photos.photos_NSSC[:5], Readout(other))


def test_without_classes_the_embeddings_are_compared(photos: Photos, tmp_path: Path) -> None:
    learner = backbone(num_classes=0)
    export_onnx(learner, tmp_path / "model.onnx")
    assert check_export(learner, tmp_path / "model.onnx", photos.photos_NSSC[:5]) < 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert session.run(["logits"], {"photos": photos.photos_NSSC[:5]})[0].shape == (5, 0)


def test_an_export_with_other_weights_is_refused(photos: Photos, tmp_path: Path) -> None:
    learner = backbone()
    export_onnx(learner, tmp_path / "model.onnx")
    assert learner.network.head is not None
    with torch.no_grad():
        learner.network.head.bias[0] += 0.02
    with pytest.raises(ExportCheckError, match=r"at most 0\.001"):
        check_export(learner, tmp_path / "model.onnx", photos.photos_NSSC[:5])


def test_an_export_that_normalises_otherwise_is_refused(photos: Photos, tmp_path: Path) -> None:
    learner = backbone()
    export_onnx(replace(learner, normalisation=Normalisation((0.0,) * 3, (1.0,) * 3)), tmp_path / "model.onnx")
    with pytest.raises(ExportCheckError):
        check_export(learner, tmp_path / "model.onnx", photos.photos_NSSC[:5])


def test_answers_that_are_no_numbers_are_refused(photos: Photos, tmp_path: Path) -> None:
    learner = backbone()
    assert learner.network.head is not None
    with torch.no_grad():
        learner.network.head.bias[0] = float("nan")
    export_onnx(learner, tmp_path / "model.onnx")
    with pytest.raises(ExportCheckError, match="nan"):
        check_export(learner, tmp_path / "model.onnx", photos.photos_NSSC[:5])
