"""The file that says what usual photos are like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from snapshelf.artifacts.cards import ModelCard
from snapshelf.drift.baseline import FILE_NAME, Baseline
from snapshelf.drift.quantities import QUANTITIES
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError
from tests.tiny_store import write_model

SIMILARITY = QUANTITIES.index("similarity")


@pytest.fixture
def card(tmp_path: Path) -> ModelCard:
    return write_model(tmp_path / "model")


@pytest.fixture
def folder(tmp_path: Path, card: ModelCard) -> Path:
    """A model's folder with a baseline."""
    baseline_of(card).write(tmp_path / "model")
    return tmp_path / "model"


def baseline_of(card: ModelCard) -> Baseline:
    random = np.random.default_rng(0)
    values_NQ = random.normal(size=(60, len(QUANTITIES))).astype(np.float32)
    values_NQ[:, SIMILARITY] = np.nan
    return Baseline(card.onnx_sha256, "60 photos of Müller", values_NQ, random.normal(size=(60, 3)).astype(np.float32))


def test_it_comes_back_as_it_was(folder: Path, card: ModelCard) -> None:
    found, made = Baseline.read(folder, card), baseline_of(card)
    assert (len(found), found.photos) == (60, "60 photos of Müller")
    np.testing.assert_array_equal(found.values_NQ, made.values_NQ)
    np.testing.assert_array_equal(found.embedding_ND, made.embedding_ND)


def test_where_there_is_none_the_command_that_makes_it_is_named(tmp_path: Path, card: ModelCard) -> None:
    with pytest.raises(ArtifactMissingError, match="snapshelf drift --new-baseline"):
        Baseline.read(tmp_path, card)


@pytest.mark.parametrize("content", [b"", b"PAR1nonsensePAR1"])
def test_a_broken_one_is_refused(folder: Path, card: ModelCard, content: bytes) -> None:
    (folder / FILE_NAME).write_bytes(content)
    with pytest.raises(ArtifactMismatchError, match="cannot be read as a baseline"):
        Baseline.read(folder, card)


def test_another_table_a_newer_schema_and_another_models_are_refused(folder: Path, card: ModelCard) -> None:
    table = pq.read_table(folder / FILE_NAME)
    with pytest.raises(ArtifactMismatchError, match="another model"):
        Baseline.read(folder, card.model_copy(update={"onnx_sha256": "0" * 64}))
    with pytest.raises(ArtifactMismatchError, match="cannot be read"):
        Baseline.read(folder, card.model_copy(update={"embedding_dim": 7}))
    about = table.schema.metadata[b"snapshelf"].replace(b'"schema_version": 1', b'"schema_version": 2')
    pq.write_table(table.replace_schema_metadata({b"snapshelf": about}), folder / FILE_NAME)
    with pytest.raises(ArtifactMismatchError, match="Use a newer snapshelf"):
        Baseline.read(folder, card)
    pq.write_table(pa.table({"x": [1]}), folder / FILE_NAME)
    with pytest.raises(ArtifactMismatchError, match="cannot be read"):
        Baseline.read(folder, card)
