"""`evaluate` with a model whose answers are known: scores, what is counted apart, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from snapshelf.artifacts.cards import ModelCard, Verdicts
from snapshelf.artifacts.store import Store
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError, SourceError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.metrics.evaluation import Evaluation
from snapshelf.pipelines.evaluate import Candidate, evaluate
from snapshelf.pipelines.prepare import prepare
from snapshelf.types import Encoding

PREPROCESS = Preprocess(size_px=32)
LIMITS = DecodeLimits()
COLOURS_C3 = np.array([(40, 60, 200), (40, 170, 60), (200, 50, 40)], np.float32)
"""Blue, green, red: as in the generated photos."""


class ColourEncoder:
    """Takes a photo for the class whose colour is nearest to its mean; always right on the generated photos."""

    preprocess = PREPROCESS
    embedding_dim = 3

    def encode(self, photos_NSSC: NDArray[np.uint8]) -> Encoding:
        mean_N3 = photos_NSSC.mean((1, 2), dtype=np.float32)
        logits_NC = (-np.linalg.norm(mean_N3[:, None] - COLOURS_C3, axis=2) / 20).astype(np.float32)
        embedding_ND = mean_N3 / (np.linalg.norm(mean_N3, axis=1, keepdims=True) + 1e-9)
        return Encoding(logits_NC, embedding_ND, logits_NC.max(axis=1))


def model(**changes: Any) -> ModelCard:
    facts: dict[str, Any] = {
        "id": "colours", "backbone": "mean", "recipe": "quick", "weights": "none", "dataset_id": None, "seed": 0,
        "labels": ["blue", "green", "red"], "preprocess": PREPROCESS, "mean": (0, 0, 0), "std": (1, 1, 1),
        "embedding_dim": 3, "verdicts": Verdicts(confident=0.9, likely=0.6), "onnx_sha256": "0",
        "export_max_probability_difference": 0,
    }  # fmt: skip
    return ModelCard(**facts | changes)


def evaluated(store: Store, card: ModelCard | None = None, **options: Any) -> Evaluation:
    return evaluate(store, Candidate(ColourEncoder(), card or model()), limits=LIMITS, num_threads=2, **options)


@pytest.fixture
def filled(store: Store, photo_folder: Path) -> Store:
    """A store with the generated photos prepared: 48 for training, 6 for validation, 6 for testing."""
    prepare(store, str(photo_folder), size_px=32, limits=LIMITS, num_threads=2)
    return store


def test_the_test_split_is_scored_and_the_report_is_beside_the_model(filled: Store) -> None:
    evaluation = evaluated(filled)
    content = evaluation.to_json()
    assert (content["accuracy"], content["macro_f1"], content["weighted_f1"], content["top5_accuracy"]) == (1, 1, 1, 1)
    assert (content["num_photos"], content["num_classes"], content["split"]) == (6, 3, "test")
    assert content["dataset_id"] == filled.current("datasets").name
    sure = [1.0, 1.0]
    assert content["per_class"]["red"] == {
        "precision": 1.0, "recall": 1.0, "f1": 1.0, "num_photos": 2,
        "precision_interval": (0.0, 1.0), "recall_interval": (0.0, 1.0), "f1_interval": (1.0, 1.0),
    }  # fmt: skip
    folder = filled.folder("models", "colours")
    written = json.loads((folder / "metrics.json").read_text())
    assert written == json.loads(json.dumps(content))
    assert written["intervals"]["accuracy"] == written["intervals"]["macro_f1"] == sure
    assert evaluation.report_path == folder / "report.html"
    assert "100.0 %" in evaluation.report_path.read_text()


def test_a_wrong_label_is_a_mistake_shown_with_its_photo(filled: Store, photo_folder: Path) -> None:
    (photo_folder / "blue" / "00.png").rename(photo_folder / "red" / "blue one.png")
    evaluation = evaluated(filled, data=str(photo_folder))
    assert evaluation.scores.accuracy == pytest.approx(59 / 60)
    assert evaluation.scores.confusion_CC.tolist() == [[19, 0, 0], [0, 20, 0], [1, 0, 20]]
    assert "red/blue one.png" in evaluation.report_path.read_text()


def test_without_test_photos_the_validation_photos_are_taken_and_that_is_said(
    store: Store, photo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo_folder.rename(tmp_path / "train")
    (tmp_path / "split").mkdir()
    (tmp_path / "train").rename(tmp_path / "split" / "train")
    prepare(store, str(tmp_path / "split"), size_px=32, limits=LIMITS, num_threads=2)
    evaluation = evaluated(store)
    captured = capsys.readouterr()
    assert evaluation.split == "validation"
    assert "has no test photos, so its validation photos are taken" in captured.err
    assert captured.out == ""


def test_a_split_can_be_chosen(filled: Store) -> None:
    assert evaluated(filled, split="train").scores.num_photos == 48


def test_other_photos_give_the_same_answers_as_prepared_ones(filled: Store, photo_folder: Path) -> None:
    content = evaluated(filled, data=str(photo_folder)).to_json()
    assert (content["num_photos"], content["accuracy"]) == (60, 1)
    assert (content["data"], content["dataset_id"], content["split"]) == (str(photo_folder), None, None)


def test_classes_that_the_model_does_not_know_are_counted_apart(filled: Store, photo_folder: Path) -> None:
    (photo_folder / "green").rename(photo_folder / "mauve")
    content = evaluated(filled, data=str(photo_folder)).to_json()
    assert (content["unknown"]["num_photos"], content["unknown"]["labels"]) == (20, ["mauve"])
    assert content["unknown"]["auroc"] > 0.4  # what is green is as near to blue or red as those are
    assert sum(count["num_unknown"] for count in content["verdicts"].values()) == 20
    assert (content["num_photos"], content["accuracy"]) == (40, 1)
    assert content["per_class"]["green"]["num_photos"] == 0


def test_photos_of_other_things_are_unknown_whatever_their_labels(filled: Store, photo_folder: Path) -> None:
    before = evaluated(filled)
    content = evaluated(filled, strangers=str(photo_folder)).to_json()
    assert content["unknown"]["num_photos"] == 60
    assert content["unknown"]["auroc"] == pytest.approx(0.5, abs=0.2)  # they are the very same things
    assert content["accuracy"] == before.scores.accuracy
    assert content["num_photos"] == 6


def test_bad_files_are_counted_and_named(filled: Store, photo_folder: Path) -> None:
    (photo_folder / "red" / "bad.jpg").write_text("text")
    (photo_folder / "red" / "notes.txt").write_text("text")
    content = evaluated(filled, data=str(photo_folder)).to_json()
    assert [bad["path"] for bad in content["rejected"]] == ["red/bad.jpg", "red/notes.txt"]
    assert content["num_photos"] == 60


def test_the_temperature_makes_it_less_sure_but_no_less_right(filled: Store) -> None:
    cold, warm = evaluated(filled), evaluated(filled, model(temperature=50.0))
    assert cold.scores.accuracy == warm.scores.accuracy == 1
    assert cold.scores.ece < 0.1 < warm.scores.ece


def test_a_pretrained_model_has_nothing_to_score(filled: Store) -> None:
    with pytest.raises(ArtifactMismatchError, match="Train first: snapshelf train --store"):
        evaluated(filled, model(labels=[]))


def test_photos_prepared_for_another_size_are_refused_with_the_remedy(filled: Store) -> None:
    with pytest.raises(ArtifactMismatchError, match=r"as squash-32, but the model .* squash-64\. Train anew"):
        evaluated(filled, model(preprocess=Preprocess(size_px=64)))


def test_a_model_of_another_data_set_is_noted(filled: Store, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated(filled, model(dataset_id="other-12345678"))
    assert "was trained or calibrated on other-12345678" in capsys.readouterr().err


def test_a_store_without_photos_says_what_to_run(store: Store) -> None:
    with pytest.raises(ArtifactMissingError, match="snapshelf prepare"):
        evaluated(store)


def test_a_split_that_the_source_does_not_have(filled: Store, photo_folder: Path) -> None:
    with pytest.raises(SourceError, match="has no test photos; found photos without a split"):
        evaluated(filled, data=str(photo_folder), split="test")


def test_only_unknown_classes_cannot_be_scored(filled: Store, tmp_path: Path) -> None:
    for label in ("mauve", "ochre"):
        (tmp_path / "other" / label).mkdir(parents=True)
        Image.new("RGB", (9, 9)).save(tmp_path / "other" / label / "1.png")
    with pytest.raises(SourceError, match=r"2 show classes that the model does not know \(mauve, ochre\)"):
        evaluated(filled, data=str(tmp_path / "other"))


def test_a_temperature_other_than_one_tells_both_calibration_errors(filled: Store) -> None:
    content = evaluated(filled, model(temperature=50.0)).to_json()
    assert content["calibration"]["ece"] == content["ece"] > content["calibration"]["ece_before"]
    assert content["calibration"]["temperature"] == 50.0


def test_each_word_is_counted_with_how_often_it_was_right(filled: Store, photo_folder: Path) -> None:
    (photo_folder / "blue" / "00.png").rename(photo_folder / "red" / "blue one.png")
    promised = Verdicts(confident=0.9, likely=0.6, promised={"confident": 0.95, "likely": 0.75})
    words = evaluated(filled, model(verdicts=promised), data=str(photo_folder)).to_json()["verdicts"]
    assert set(words) == {"confident", "likely", "unsure", "unknown"}
    assert words["confident"]["num_photos"] == 60
    assert words["confident"]["precision"] == pytest.approx(59 / 60)
    assert (words["confident"]["promised"], words["unsure"]["promised"]) == (0.95, None)
    assert words["unsure"] == {"num_photos": 0, "precision": None, "promised": None, "num_unknown": 0}


def test_photos_of_the_same_class_are_looked_for_among_the_others(filled: Store) -> None:
    retrieval = evaluated(filled, split="train").to_json()["retrieval"]
    assert retrieval["same_class"]["recall_at_1"] == retrieval["same_class"]["map_at_r"] == 1.0
    assert retrieval["same_class"]["num_queries"] == 48
    assert retrieval["same_product"] is None


class BlindToRed(ColourEncoder):
    """Never says red."""

    def encode(self, photos_NSSC: NDArray[np.uint8]) -> Encoding:
        said = super().encode(photos_NSSC)
        said.logits_NC[:, 2] = -100.0
        return said


def test_two_models_are_compared_photo_by_photo(filled: Store) -> None:
    other = Candidate(BlindToRed(), model(id="blind"))
    evaluation = evaluated(filled, split="train", other=other)
    comparison = evaluation.to_json()["comparison"]
    assert (comparison["model_id"], comparison["num_photos"]) == ("blind", 48)
    assert (comparison["accuracy_of_this"], comparison["accuracy"]) == (1.0, pytest.approx(2 / 3))
    assert (comparison["difference"]["only_first"], comparison["difference"]["only_second"]) == (16, 0)
    assert comparison["difference"]["p_value"] < 0.001
    assert "That is more than luck" in evaluation.report_path.read_text()


def test_the_learning_curves_are_drawn_where_there_are_any(filled: Store) -> None:
    assert "Learning curves" not in evaluated(filled).report_path.read_text()
    epochs = [
        {"loss": 2.0, "validation_loss": 1.0, "accuracy": 0.5},
        {"loss": 1.0, "validation_loss": 0.5, "accuracy": 0.9},
    ]
    history = filled.folder("models", "colours") / "history.json"
    history.write_text(json.dumps({"epochs": epochs}))
    assert "Learning curves" in evaluated(filled).report_path.read_text()


class LooksLeft:
    """Sees every class on the left half of a photo."""

    def of(self, photos_NSSC: NDArray[np.uint8], class_N: NDArray[np.int64]) -> NDArray[np.float32]:
        assert photos_NSSC.shape[1:] == (32, 32, 3)
        return np.tile(np.array([[1.0, 0.0]], np.float32), (len(class_N), 1, 1))


def test_where_it_looked_is_shown_for_a_photo_of_each_class(filled: Store) -> None:
    candidate = Candidate(ColourEncoder(), model(), LooksLeft())
    report = evaluate(filled, candidate, limits=LIMITS, num_threads=2).report_path.read_text("utf-8")
    section = report.split("Where it looked")[1].split("<h2>")[0]
    assert [section.count(f"<b>{label}</b>") for label in ("blue", "green", "red")] == [1, 1, 1]
    assert "Where it looked" not in evaluated(filled).report_path.read_text("utf-8")


def test_what_the_categories_belong_to_is_scored_too(filled: Store, photo_folder: Path) -> None:
    (photo_folder / "blue" / "00.png").rename(photo_folder / "green" / "blue one.png")
    (photo_folder / "red" / "00.png").rename(photo_folder / "green" / "red one.png")
    cold = model(supercategories=["cold", "cold", "warm"])
    content = evaluated(filled, cold, data=str(photo_folder)).to_json()
    assert content["accuracy"] == pytest.approx(58 / 60)
    assert content["supercategories"]["accuracy"] == pytest.approx(59 / 60)
    assert content["supercategories"]["num_supercategories"] == 2
    assert evaluated(filled).to_json()["supercategories"] is None
