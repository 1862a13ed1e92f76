"""From a model to answers: `index`, `recommend`, `serve`, `demo`; and what customers say: `feedback`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snapshelf.artifacts.store import Store
from snapshelf.cli.options import HERE, FormatOption, JsonOption, StoreOption, print_json
from snapshelf.errors import ConfigError
from snapshelf.settings import Settings, load_settings
from snapshelf.types import Split

if TYPE_CHECKING:
    from snapshelf.pipelines.ray_workers import RayCluster


def index(
    catalogue: Annotated[
        str | None, typer.Argument(help="A table or a shop's feed of products, or a folder CATEGORY/photo.")
    ] = None,
    store: StoreOption = HERE,
    *,
    format: FormatOption = "auto",  # noqa: A002 (the option's name)
    split: Annotated[Split | None, typer.Option(help="Of a source with splits, only this one.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Build anew and swap, instead of adding.")] = False,
    remove: Annotated[list[str] | None, typer.Option(metavar="ID", help="Remove a product; may be repeated.")] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Also remove products that the catalogue no longer has, in place.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --sync: say what it would do, and do nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --sync: even if more than half of the products would be removed.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Photos worked on at a time, each on one core; all cores, or the cluster's, if not given.", min=1
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="local|auto|HOST:PORT",
            help="Embed on a Ray cluster: started here, the one of this machine, or at an address.",
        ),
    ] = None,
    backbone: Annotated[str | None, typer.Option(help="Before any training: whose embeddings to use.")] = None,
    model: Annotated[
        str | None, typer.Option(metavar="ID", help="Another model than the one in use, before `models use`.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the catalogue searchable: add and update products. Before any training, the pretrained backbone serves."""
    from snapshelf.imaging.decode import DecodeLimits
    from snapshelf.pipelines.index import index as run
    from snapshelf.wiring import open_encoder

    _check_index_options(catalogue, remove, sync=sync, replace=replace, only_with_sync=dry_run or force)
    settings = load_settings()
    opened = Store(store)
    if dry_run and catalogue is not None:
        _say_sync(opened, catalogue, format, split, model, force=force, as_json=as_json)
        return
    if not opened.has_current("models"):
        from snapshelf.pipelines.train import publish_pretrained

        publish_pretrained(opened, backbone or opened.config().train.backbone)
    num_workers = workers or settings.num_threads
    encoder = open_encoder(opened, settings, model, num_threads=num_workers, side_by_side=True)
    with _cluster(ray, workers, settings) as cluster:
        result = run(
            opened,
            encoder,
            encoder.card,
            catalogue,
            format=format,
            split=split,
            replace=replace,
            remove=remove or [],
            sync=sync,
            force=force,
            limits=DecodeLimits.of(settings),
            num_workers=num_workers,
            server=settings.qdrant_server,
            cluster=cluster,
        )
    if as_json:
        print_json(result.to_json())


def _cluster(address: str | None, workers: int | None, settings: Settings) -> AbstractContextManager[RayCluster | None]:
    if address is None:
        return nullcontext()
    try:
        from snapshelf.pipelines.ray_workers import RayCluster
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--ray needs {error.name}, which is not installed. Run: pip install 'snapshelf[ray]'"
        ) from None
    return RayCluster(address, num_cores=settings.num_threads, num_workers=workers)


def _check_index_options(
    catalogue: str | None, remove: list[str] | None, *, sync: bool, replace: bool, only_with_sync: bool
) -> None:
    if catalogue is None and not remove:
        raise ConfigError("Nothing to do: name a catalogue, or products with --remove ID.")
    if sync and catalogue is None:
        raise ConfigError("--sync needs a catalogue to follow: snapshelf index CATALOGUE --sync")
    if sync and replace:
        raise ConfigError("--sync changes the index in place, --replace builds another one; give one of them.")
    if only_with_sync and not sync:
        raise ConfigError("--dry-run and --force are about --sync; add it.")


def _say_sync(
    store: Store,
    catalogue: str,
    format: str,  # noqa: A002 (the option's name)
    split: Split | None,
    model_id: str | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    from snapshelf.artifacts.cards import ModelCard
    from snapshelf.imaging.decode import DecodeLimits
    from snapshelf.pipelines.index import plan_sync
    from snapshelf.pipelines.index_result import plan_to_json

    if model_id:
        model: ModelCard | None = ModelCard.read(store.existing("models", model_id))
    else:
        model = ModelCard.read(store.current("models")) if store.has_current("models") else None
    settings = load_settings()
    plan = plan_sync(
        store,
        model,
        catalogue,
        format=format,
        split=split,
        force=force,
        limits=DecodeLimits.of(settings),
        server=settings.qdrant_server,
    )
    if as_json:
        print_json(plan_to_json(plan))


def recommend(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO…", help="One or more photo files.")],
    store: StoreOption = HERE,
    top_k: Annotated[int, typer.Option(help="How many products.", min=1, max=100)] = 12,
    category: Annotated[str | None, typer.Option(help="Only products of this category.")] = None,
    price_min: Annotated[float | None, typer.Option(help="Only from this price on.")] = None,
    price_max: Annotated[float | None, typer.Option(help="Only up to this price.")] = None,
    in_stock: Annotated[bool | None, typer.Option(help="Only what can be bought now, or only what cannot.")] = None,
    attribute: Annotated[list[str] | None, typer.Option(metavar="NAME:VALUE", help="May be repeated.")] = None,
    diversity: Annotated[float, typer.Option(help="0, the nearest, to 1, as varied as can be.")] = 0.0,
    text: Annotated[str, typer.Option(help="Words that the products should have.")] = "",
    like: Annotated[list[str] | None, typer.Option(metavar="ID", help="Also like this product.")] = None,
    unlike: Annotated[list[str] | None, typer.Option(metavar="ID", help="But not like this one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Recognise photos and recommend products that look like them."""
    from snapshelf.pipelines.recommend import recommend_files
    from snapshelf.recommend.options import SearchOptions, parse_attributes
    from snapshelf.types import Filters
    from snapshelf.wiring import open_shelf

    filters = Filters(category, price_min, price_max, in_stock, parse_attributes(attribute or []))
    options = SearchOptions(top_k, filters, diversity, text, tuple(like or ()), tuple(unlike or ()))
    options.check()
    settings = load_settings()
    shelf = open_shelf(Store(store), settings)
    try:
        answers = recommend_files(shelf, photos, options, settings=settings, show=not as_json)
    finally:
        shelf.close()
    if as_json:
        # One photo answers as the HTTP API does; several are a list of such answers.
        print_json(answers[0] if len(answers) == 1 else {"results": answers})
    if any("error" in answer for answer in answers):
        raise typer.Exit(2)


def serve(
    store: StoreOption = HERE,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = 8000,
    shadow: Annotated[
        str | None, typer.Option(metavar="ID", help="A model that looks beside the one that answers, and is scored.")
    ] = None,
) -> None:
    """Serve the page and the API."""
    from snapshelf.web.server import serve as run

    run(Store(store), load_settings(), host=host, port=port, shadow=shadow)


def demo(
    store: StoreOption = Path(".demo"),
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = 8000,
) -> None:
    """The whole journey on Fashion-MNIST, then the page. What is there already is used again."""
    from snapshelf.pipelines.demo import build_demo
    from snapshelf.web.server import serve as run

    settings = load_settings()
    build_demo(Store(store), settings)
    run(Store(store), settings, host="127.0.0.1", port=port)


def feedback_export(
    folder: Annotated[Path, typer.Argument(help="Where the photos go: FOLDER/CLASS/feedback-NUMBER.jpg.")],
    store: StoreOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write the photos of accepted feedback into folders of classes, for `prepare --also FOLDER`."""
    from snapshelf.pipelines.feedback import export_feedback

    exported = export_feedback(Store(store), folder)
    if as_json:
        print_json(exported.to_json())
