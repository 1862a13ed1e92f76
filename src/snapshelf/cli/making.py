"""From photos to a model that is measured: `init`, `prepare`, `train`, `evaluate`, `drift`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snapshelf.artifacts.store import Store
from snapshelf.cli.options import HERE, FormatOption, JsonOption, Recipe, StoreOption, print_json, store_hint
from snapshelf.config import FILE_NAME, TEMPLATE
from snapshelf.errors import ConfigError
from snapshelf.progress import console
from snapshelf.settings import load_settings
from snapshelf.types import Split


def init(
    store: Annotated[Path, typer.Argument(help="The store's folder; made where it is not there.")] = HERE,
    name: Annotated[str, typer.Option(help="What customers read at the top of the page.")] = "My store",
) -> None:
    """Begin a store: write a commented snapshelf.toml."""
    path = store / FILE_NAME
    if path.exists():
        raise ConfigError(f"{path} is there already; it was left as it is. Edit it, or remove it and try again.")
    if '"' in name or "\\" in name or not name.isprintable():
        raise ConfigError(
            f"The name {name!r} has a character that may not stand in it; leave out quotes and backslashes."
        )
    store.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.format(name=name), "utf-8")
    Store(store).config()
    console.print(f"Wrote {path}. Next: snapshelf prepare PHOTOS{store_hint(store)}", markup=False)


def prepare(
    source: Annotated[
        str, typer.Argument(help="A folder CLASS/photo or SPLIT/CLASS/photo, a table, or fashion-mnist.")
    ],
    store: StoreOption = HERE,
    also: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="More photos to learn from, as feedback export writes them.")
    ] = None,
    format: FormatOption = "auto",  # noqa: A002 (the option's name)
    size: Annotated[int | None, typer.Option(help="Pixels a side of the prepared photos.", min=8, max=1024)] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the checks that need a network: crops, doubtful labels.")
    ] = False,
    fix_leaks: Annotated[
        bool, typer.Option("--fix-leaks", help="Take photos out of training that validation or test has too.")
    ] = False,
) -> None:
    """Check, split and resize photos; write a data set and its report."""
    from snapshelf.imaging.decode import DecodeLimits
    from snapshelf.pipelines.checks import Checks
    from snapshelf.pipelines.prepare import prepare as run

    settings = load_settings()
    run(
        Store(store),
        source,
        also=also,
        format=format,
        size_px=size,
        checks=Checks(with_network=not quick, fix_leaks=fix_leaks),
        limits=DecodeLimits.of(settings),
        num_threads=settings.num_threads,
    )


def train(
    store: StoreOption = HERE,
    recipe: Annotated[Recipe | None, typer.Option(help="Default: what snapshelf.toml says, else quick.")] = None,
    backbone: Annotated[str | None, typer.Option(help="Any timm name, seed-cnn, compact or mini-resnet.")] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="ID", help="Go on from a model of the store; current is the one in use."),
    ] = None,
    weights: Annotated[str, typer.Option(help="auto, none, or a .safetensors or .pth file.")] = "auto",
    seed: Annotated[int | None, typer.Option(help="Where every random choice starts.", min=0)] = None,
    time_budget: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Instead of a recipe: as long as fits, such as 90s, 10m or 1h30m."),
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on where the same run was killed, or begin anew.")] = True,
) -> None:
    """Train a model on the prepared photos and publish it. Killed? The same command goes on where it was."""
    from snapshelf.pipelines.tracking import MlflowTracker
    from snapshelf.pipelines.train import train as run
    from snapshelf.training.processes import is_first

    uri = load_settings().mlflow_uri
    tracker = MlflowTracker(uri) if uri and is_first() else None
    result = run(
        Store(store),
        recipe=recipe,
        backbone=backbone,
        start=start,
        weights=weights,
        seed=seed,
        time_budget=time_budget,
        resume=resume,
    )
    if tracker:
        tracker.tell(result, Store(store).config().name)


def evaluate(
    store: StoreOption = HERE,
    data: Annotated[
        str | None, typer.Option(help="Other photos than the prepared ones; a source as in prepare.")
    ] = None,
    format: FormatOption = "auto",  # noqa: A002 (the option's name)
    split: Annotated[Split | None, typer.Option(help="Default: test, or validation where there is none.")] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="ID", help="Another model of the store, asked about the same photos.")
    ] = None,
    unknown: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Photos of other things: are they told apart?")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score the model in use, as exported; write metrics.json and report.html beside it."""
    from snapshelf.imaging.decode import DecodeLimits
    from snapshelf.pipelines.evaluate import Candidate
    from snapshelf.pipelines.evaluate import evaluate as run
    from snapshelf.wiring import open_encoder, open_maps

    settings = load_settings()
    encoder = open_encoder(Store(store), settings)
    other = open_encoder(Store(store), settings, compare) if compare else None
    evaluation = run(
        Store(store),
        Candidate(encoder, encoder.card, open_maps(Store(store), settings, encoder.card.id)),
        other=Candidate(other, other.card) if other else None,
        data=data,
        strangers=unknown,
        format=format,
        split=split,
        limits=DecodeLimits.of(settings),
        num_threads=settings.num_threads,
    )
    if as_json:
        print_json(evaluation.to_json())


def drift(
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="Photos of now, such as a folder of them; labels do not matter."),
    ] = None,
    store: StoreOption = HERE,
    format: FormatOption = "auto",  # noqa: A002 (the option's name)
    new_baseline: Annotated[
        bool,
        typer.Option("--new-baseline", help="Take these photos, or without any the validation photos, for usual ones."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Are photos still like those that the model in use was measured on? Says what has moved; writes drift.html."""
    from snapshelf.imaging.decode import DecodeLimits
    from snapshelf.pipelines import drift as run
    from snapshelf.wiring import open_encoder

    if source is None and not new_baseline:
        raise ConfigError("Name photos to look at: snapshelf drift SOURCE, or add --new-baseline.")
    settings, opened = load_settings(), Store(store)
    encoder = open_encoder(opened, settings)
    limits, num_threads = DecodeLimits.of(settings), settings.num_threads
    if new_baseline:
        made = run.new_baseline(
            opened, encoder, encoder.card, source, format=format, limits=limits, num_threads=num_threads
        )
        if as_json:
            print_json({"model_id": encoder.card.id, "baseline": made.photos, "num_photos": len(made)})
    elif source is not None:
        found = run.drift(
            opened,
            encoder,
            encoder.card,
            source,
            format=format,
            limits=limits,
            num_threads=num_threads,
            server=settings.qdrant_server,
        )
        if as_json:
            print_json(found.to_json())
