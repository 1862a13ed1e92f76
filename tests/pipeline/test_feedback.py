"""What customers said and staff accepted becomes photos to learn from, and a class that was not known is known."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from snapshelf.adapters.sqlite_feedback import Feedback, SqliteFeedback
from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.errors import ArtifactMissingError, ConfigError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.checks import Checks
from snapshelf.pipelines.feedback import export_feedback
from snapshelf.pipelines.prepare import prepare
from snapshelf.pipelines.train import train
from tests.tiny_store import COLOURS, build_tiny_store, photo


def jpeg(colour: tuple[int, int, int], number: int) -> bytes:
    content = io.BytesIO()
    photo(colour, number).save(content, "JPEG", quality=90)
    return content.getvalue()


def said(queue: SqliteFeedback, label: str | None, content: bytes | None, *, accept: bool = True) -> int:
    number = queue.add(Feedback("r", correct_label=label, helpful=False), content).id
    if accept:
        queue.review(number, "accepted")
    return number


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return build_tiny_store(tmp_path)


@pytest.fixture
def queue(store: Store) -> SqliteFeedback:
    return SqliteFeedback(store.feedback_path)


def test_only_accepted_photos_are_written_and_by_the_models_own_names(
    store: Store, queue: SqliteFeedback, tmp_path: Path
) -> None:
    lamp = jpeg((250, 240, 60), 1)
    first = said(queue, "lamp", lamp)
    known = said(queue, "RED Thing", jpeg(COLOURS["red thing"], 2))
    said(queue, "lamp", jpeg((250, 240, 60), 3), accept=False)
    said(queue, "lamp", None)
    said(queue, None, jpeg((1, 2, 3), 4))
    for hostile in ("../up", "a/b", ".hidden", "x" * 250):
        said(queue, hostile, lamp)
    exported = export_feedback(store, tmp_path / "out")
    assert exported.photos == {"lamp": 1, "red thing": 1}
    assert (exported.without_photo, len(exported.unusable)) == (1, 4)
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.jpg"))
    assert found == [f"lamp/feedback-{first}.jpg", f"red thing/feedback-{known}.jpg"]
    assert (tmp_path / "out" / "lamp" / f"feedback-{first}.jpg").read_bytes() == lamp
    assert not (tmp_path / "up").exists()
    json.dumps(exported.to_json())


def test_what_is_forgotten_or_decided_otherwise_goes_and_other_files_stay(
    store: Store, queue: SqliteFeedback, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    kept, other, gone = (said(queue, "lamp", jpeg((250, 240, 60), number)) for number in range(3))
    export_feedback(store, out)
    (out / "lamp" / "mine.jpg").write_bytes(b"mine")
    before = (out / "lamp" / f"feedback-{kept}.jpg").stat().st_mtime_ns
    queue.review(other, "accepted", "vase")
    queue.review(gone, "rejected")
    exported = export_feedback(store, out)
    assert (exported.photos, exported.removed) == ({"lamp": 1, "vase": 1}, 2)
    assert sorted(path.name for path in (out / "lamp").iterdir()) == [f"feedback-{kept}.jpg", "mine.jpg"]
    assert (out / "lamp" / f"feedback-{kept}.jpg").stat().st_mtime_ns == before
    queue.review(other, "rejected")
    export_feedback(store, out)
    assert not (out / "vase").exists()


def test_where_there_is_nothing_to_export_it_is_said(tmp_path: Path, store: Store, queue: SqliteFeedback) -> None:
    assert export_feedback(store, tmp_path / "out").photos == {}
    assert not (tmp_path / "out").exists()
    with pytest.raises(ArtifactMissingError, match="nothing was said"):
        export_feedback(Store(tmp_path / "new"), tmp_path / "out")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        export_feedback(store, tmp_path / "file")


def test_a_class_that_customers_named_is_learnt_from_the_model_in_use(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    colours = {**COLOURS, "lamp": (250, 240, 60)}
    for label in COLOURS:
        for number in range(40):
            path = tmp_path / "photos" / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            photo(colours[label], number).resize((28, 28), Image.Resampling.BOX).save(path)

    def prepared_and_trained(start: str | None = None) -> ModelCard:
        prepare(
            store,
            str(tmp_path / "photos"),
            also=str(tmp_path / "out") if start else None,
            checks=Checks(with_network=False),
            limits=DecodeLimits(),
            num_threads=1,
        )
        return train(store, recipe="quick", backbone=None if start else "compact", start=start).card

    first = prepared_and_trained()
    assert first.labels == sorted(COLOURS)
    queue = SqliteFeedback(store.feedback_path)
    for number in range(30):
        said(queue, "Lamp", jpeg(colours["lamp"], 100 + number))
    export_feedback(store, tmp_path / "out")
    second = prepared_and_trained("current")
    assert second.labels == sorted([*COLOURS, "Lamp"])
    assert first.id in second.weights or "checkpoint" in second.weights
    assert second.validation["accuracy"] > 0.9
    dataset = Dataset(store.current("datasets"))
    assert sum(label == "Lamp" for label in (dataset.labels[index] for index in dataset.class_indices())) == 30
    with pytest.raises(ConfigError, match="leave out --backbone"):
        train(store, start="current", backbone="compact")
    with pytest.raises(ArtifactMissingError):
        train(store, start="no-such-model")
