"""The whole journey on Fashion-MNIST; each stage is left out where its result is there already."""

from __future__ import annotations

import json
from typing import Any

from snapshelf.artifacts.cards import DatasetCard, IndexCard, ModelCard
from snapshelf.artifacts.publish import write_atomic
from snapshelf.artifacts.store import Store
from snapshelf.config import TEMPLATE
from snapshelf.errors import StoreError
from snapshelf.progress import console
from snapshelf.settings import Settings

SOURCE = "fashion-mnist"
BACKBONE = "compact"


def build_demo(store: Store, settings: Settings) -> None:
    """Prepare, train, evaluate and index Fashion-MNIST; its 10,000 test photos are the catalogue."""
    if not store.config_path.exists():
        write_atomic(store.config_path, TEMPLATE.format(name="Fashion-MNIST demo"))
    _prepare(store, settings)
    _train(store)
    _evaluate(store, settings)
    _index(store, settings)
    _summarise(store)


def _prepare(store: Store, settings: Settings) -> None:
    if store.has_current("datasets") and DatasetCard.read(store.current("datasets")).source == SOURCE:
        return
    from snapshelf.imaging.decode import DecodeLimits
    from snapshelf.pipelines.checks import Checks
    from snapshelf.pipelines.prepare import prepare

    _say(1, "Preparing Fashion-MNIST")
    limits = DecodeLimits.of(settings)
    prepare(
        store, SOURCE, format=SOURCE, checks=Checks(with_network=False), limits=limits, num_threads=settings.num_threads
    )


def _train(store: Store) -> None:
    if store.has_current("models"):
        card = ModelCard.read(store.current("models"))
        if (card.dataset_id, card.backbone) == (store.current("datasets").name, BACKBONE):
            return
    from snapshelf.pipelines.train import train

    _say(2, f"Training the {BACKBONE} network")
    train(store, recipe="quick", backbone=BACKBONE)


def _evaluate(store: Store, settings: Settings) -> None:
    if _test_metrics(store):
        return
    from snapshelf.imaging.decode import DecodeLimits
    from snapshelf.pipelines.evaluate import Candidate, evaluate
    from snapshelf.wiring import open_encoder, open_maps

    _say(3, "Evaluating on the test photos")
    encoder = open_encoder(store, settings)
    model = Candidate(encoder, encoder.card, open_maps(store, settings, encoder.card.id))
    evaluate(store, model, split="test", limits=DecodeLimits.of(settings), num_threads=settings.num_threads)


def _index(store: Store, settings: Settings) -> None:
    if store.has_current("index"):
        try:
            store.check_index_fits(IndexCard.read(store.current("index")), ModelCard.read(store.current("models")))
        except StoreError:
            pass
        else:
            return
    from snapshelf.imaging.decode import DecodeLimits
    from snapshelf.pipelines.index import index
    from snapshelf.wiring import open_encoder

    _say(4, "Indexing the 10,000 test photos as the catalogue")
    encoder = open_encoder(store, settings, side_by_side=True)
    index(
        store,
        encoder,
        encoder.card,
        SOURCE,
        format=SOURCE,
        split="test",
        limits=DecodeLimits.of(settings),
        num_workers=settings.num_threads,
        server=settings.qdrant_server,
    )


def _summarise(store: Store) -> None:
    folder = store.current("models")
    metrics = _test_metrics(store)
    console.print(f"Test accuracy {metrics['accuracy']:.4f}, macro F1 {metrics['macro_f1']:.4f}", markup=False)
    console.print(f"Report: {folder / 'report.html'}", markup=False)


def _test_metrics(store: Store) -> dict[str, Any]:
    """The model's scores on the demo's test photos; empty where it was never scored, or on other photos last."""
    path = store.current("models") / "metrics.json"
    metrics: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return metrics if (metrics.get("split"), metrics.get("data")) == ("test", None) else {}


def _say(number: int, what: str) -> None:
    console.print(f"[{number}/4] {what}", style="bold", markup=False)
