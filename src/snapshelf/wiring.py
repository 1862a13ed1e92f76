"""Settings and a store → a shelf that serves. The only place where engines are chosen and put together."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from snapshelf.adapters.engines import open_model
from snapshelf.adapters.index_folder import open_index
from snapshelf.adapters.model_encoder import MODEL_FILE, ModelEncoder
from snapshelf.artifacts.cards import IndexCard, ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.config import StoreConfig
from snapshelf.errors import ConfigError
from snapshelf.gallery import Gallery
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.staff_changes import take_on_all
from snapshelf.ports import ActivationMaps, ThumbnailStore, VectorIndex
from snapshelf.recommend.recommender import Recommender
from snapshelf.settings import Engine, Settings
from snapshelf.together.in_use import OrdersInUse

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo of the model's validation split, and what it shows."""

    label: str
    path: Path


@dataclass(frozen=True, slots=True)
class Shelf:
    """A store, opened: a model and the index that fits it, ready to answer."""

    config: StoreConfig
    model: ModelCard
    engine: Engine
    """What runs the model, as the setting that asks for it."""
    index_card: IndexCard
    index: VectorIndex
    thumbnails: ThumbnailStore
    gallery: Gallery
    recommender: Recommender
    orders: OrdersInUse
    """Which products are bought together."""
    samples: tuple[Sample, ...]
    """For customers to try, in the order to show them."""
    feedback_path: Path

    def close(self) -> None:
        """Let go of the index and its pictures."""
        self.index.close()
        self.thumbnails.close()


def open_encoder(
    store: Store,
    settings: Settings,
    model_id: str | None = None,
    *,
    num_threads: int | None = None,
    side_by_side: bool = False,
) -> ModelEncoder:
    """The model in use, or another one of the store, on as many cores as are allowed, or on `num_threads`.

    `side_by_side` is for many photos at once, each on one core.

    Raises:
        ConfigError: the engine that is wanted is not installed.
        StoreError: there is none, or its files do not belong together.
    """
    folder = store.existing("models", model_id) if model_id else store.current("models")
    cores = num_threads or settings.num_threads
    return open_model(folder, num_threads=cores, engine=settings.engine, side_by_side=side_by_side)


def open_maps(store: Store, settings: Settings, model_id: str) -> ActivationMaps | None:
    """Where a model of the store looks; None where its network keeps that to itself."""
    from snapshelf.adapters.onnx_activation_maps import open_activation_maps  # noqa: PLC0415 (serving has no onnx)

    return open_activation_maps(store.folder("models", model_id) / MODEL_FILE, num_threads=settings.num_threads)


def open_shelf(store: Store, settings: Settings) -> Shelf:
    """Open the model in use, the index that it made, and what was learnt from orders.

    What staff changed while another index was in use is taken on first.

    Raises:
        StoreError: model or index is missing, they do not fit, or another process holds the index; or what was learnt
            from orders is broken.
    """
    config = store.config()
    orders = OrdersInUse(store)
    encoder = open_encoder(store, settings)
    index_card, index, thumbnails = open_index(store, encoder.card, settings.qdrant_server)
    gallery = Gallery(encoder, index, thumbnails, DecodeLimits.of(settings))
    try:
        take_on_all(store, index_card.id, gallery, index)
    except BaseException:
        index.close()
        thumbnails.close()
        raise
    return Shelf(
        config=config,
        model=encoder.card,
        engine=encoder.runs_on,
        index_card=index_card,
        index=index,
        thumbnails=thumbnails,
        gallery=gallery,
        recommender=Recommender(encoder, encoder.card, index),
        orders=orders,
        samples=tuple(_samples(store.current("models"), encoder.card)),
        feedback_path=store.feedback_path,
    )


def reopen_shelf(store: Store, settings: Settings, before: Shelf) -> Shelf:
    """As `open_shelf`, while requests go on: the engine that was the quickest before stays, where it can run the model.

    Which is the quickest cannot be told while they take turns on the cores.
    """
    if settings.engine == "auto":
        try:
            return open_shelf(store, settings.model_copy(update={"engine": before.engine}))
        except ConfigError as error:
            _log.info("%s", error)
    return open_shelf(store, settings)


def _samples(folder: Path, model: ModelCard) -> Iterator[Sample]:
    """The files `samples/NN-<index of the label>.png`."""
    for path in sorted((folder / "samples").glob("*.png")):
        yield Sample(model.labels[int(path.stem.partition("-")[2])], path)
