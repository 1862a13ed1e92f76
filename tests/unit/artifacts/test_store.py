"""What lies where in a store, and which of several is in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from snapshelf.artifacts.cards import INDEX_SCHEMA_VERSION, IndexCard, ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError


def write_index_card(store: Store, index_id: str, model_id: str = "m") -> IndexCard:
    card = IndexCard(id=index_id, model_id=model_id, embedding_dim=3, engine="exact", catalogue="shop.csv")
    folder = store.folder("index", index_id)
    folder.mkdir(parents=True)
    card.write(folder)
    return card


def test_the_artefact_in_use_is_the_one_named(store: Store) -> None:
    write_index_card(store, "a")
    write_index_card(store, "b")
    store.use("index", "b")
    assert store.current("index") == store.folder("index", "b")
    store.use("index", "a")
    assert store.current("index").name == "a"


def test_an_id_that_is_not_there_cannot_be_used(store: Store) -> None:
    write_index_card(store, "a")
    with pytest.raises(ArtifactMissingError, match=r"no 'b' among its index \(a\)"):
        store.use("index", "b")


def test_an_empty_store_names_the_command_that_begins(store: Store) -> None:
    with pytest.raises(ArtifactMissingError, match=r"has no model yet\. Run: snapshelf train --store"):
        store.current("models")


def test_a_pointer_to_nothing_is_named(store: Store) -> None:
    (store.root / "models").mkdir(parents=True)
    (store.root / "models" / "current").write_text("gone\n")
    with pytest.raises(ArtifactMissingError, match="names 'gone', which is not there"):
        store.current("models")


@pytest.mark.parametrize("name", ["../elsewhere", "/tmp", ""])
def test_a_pointer_out_of_the_store_is_refused(store: Store, name: str) -> None:
    (store.root / "models").mkdir(parents=True)
    (store.root / "elsewhere").mkdir()
    (store.root / "models" / "current").write_text(name)
    with pytest.raises(ArtifactMissingError, match="which is not there"):
        store.current("models")


def test_unfinished_work_is_no_artefact(store: Store) -> None:
    write_index_card(store, "a")
    write_index_card(store, ".building-b")
    assert store.ids("index") == ["a"]


def test_an_index_of_another_model_is_refused_with_both_ways_out(store: Store, tmp_path: Path) -> None:
    index = write_index_card(store, "a", model_id="old")
    model = ModelCard.model_construct(id="new")
    with pytest.raises(ArtifactMismatchError, match=r"made by the model old.*snapshelf index .*models use old"):
        store.check_index_fits(index, model)


def test_a_card_of_a_newer_schema_is_refused(store: Store) -> None:
    folder = store.folder("index", "a")
    write_index_card(store, "a")
    text = (folder / "card.json").read_text()
    found = f'"schema_version": {INDEX_SCHEMA_VERSION}'
    (folder / "card.json").write_text(text.replace(found, '"schema_version": 99'))
    with pytest.raises(ArtifactMismatchError, match=r"has schema 99; this snapshelf .* reads up to 2"):
        IndexCard.read(folder)


def test_an_index_of_an_older_schema_is_refused_with_the_command_that_builds_it_anew(store: Store) -> None:
    folder = store.folder("index", "a")
    write_index_card(store, "a")
    text = (folder / "card.json").read_text()
    (folder / "card.json").write_text(text.replace(f'"schema_version": {INDEX_SCHEMA_VERSION}', '"schema_version": 1'))
    with pytest.raises(ArtifactMismatchError, match=r"has schema 1; .* reads from 2 on.* snapshelf index .* --replace"):
        IndexCard.read(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 2}', '{"schema_version": 2, "id": 3}'])
def test_a_broken_card_is_named_with_the_remedy(store: Store, text: str) -> None:
    folder = store.folder("index", "a")
    write_index_card(store, "a")
    (folder / "card.json").write_text(text)
    with pytest.raises(ArtifactMismatchError, match=r"cannot be used.*Make the artefact again: snapshelf index"):
        IndexCard.read(folder)


def test_a_card_reads_as_it_was_written(store: Store) -> None:
    card = write_index_card(store, "a")
    assert IndexCard.read(store.folder("index", "a")) == card
