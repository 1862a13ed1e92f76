"""The command line. Each command imports its pipeline inside itself, so that `--help` is instant."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from snapshelf import __version__
from snapshelf.artifacts.store import Store
from snapshelf.config import FILE_NAME, TEMPLATE
from snapshelf.errors import ConfigError, InputError, ProductNotFoundError, SnapshelfError, StoreError
from snapshelf.progress import console
from snapshelf.settings import load_settings
from snapshelf.types import Split

app = typer.Typer(
    help="Teach it your products; customers find them with a photo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(help="The store's models.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(models_app, name="models")


PhotoFormat = Literal[
    "auto", "coco", "fashion-mnist", "folder", "hugging-face", "imagenet", "mnist", "open-images", "table"
]
Recipe = Literal["quick", "balanced", "best"]

StoreOption = Annotated[Path, typer.Option("--store", help="The store's folder.", show_default="the current folder")]
FormatOption = Annotated[PhotoFormat, typer.Option("--format", help="The source's form; auto looks for itself.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else there.")]

HERE = Path()


def main() -> None:
    """Run the command line. Exit code 0: done; 2: bad input or usage; 1: anything else."""
    try:
        app()
    except (InputError, StoreError, ProductNotFoundError) as error:
        _fail(str(error), code=2)
    except SnapshelfError as error:
        _fail(str(error), code=1)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "timm", "sklearn", "safetensors", "onnx"):
            raise
        _fail(f"This command needs {error.name}, which is not installed. Run: pip install 'snapshelf[train]'", code=1)


def _fail(message: str, *, code: int) -> None:
    console.print(f"Error: {message}", style="red", markup=False)
    sys.exit(code)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"snapshelf {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


@app.command()
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
    console.print(f"Wrote {path}. Next: snapshelf prepare PHOTOS{_store_hint(store)}", markup=False)


@app.command()
def prepare(
    source: Annotated[
        str, typer.Argument(help="A folder CLASS/photo or SPLIT/CLASS/photo, a table, or fashion-mnist.")
    ],
    store: StoreOption = HERE,
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
        format=format,
        size_px=size,
        checks=Checks(with_network=not quick, fix_leaks=fix_leaks),
        limits=DecodeLimits.of(settings),
        num_threads=settings.num_threads,
    )


@app.command()
def train(
    store: StoreOption = HERE,
    recipe: Annotated[Recipe | None, typer.Option(help="Default: what snapshelf.toml says, else quick.")] = None,
    backbone: Annotated[str | None, typer.Option(help="Any timm name, seed-cnn, compact or mini-resnet.")] = None,
    weights: Annotated[str, typer.Option(help="auto, none, or a .safetensors or .pth file.")] = "auto",
    seed: Annotated[int | None, typer.Option(help="Where every random choice starts.", min=0)] = None,
    time_budget: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Instead of a recipe: as long as fits, such as 90s, 10m or 1h30m."),
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on where the same run was killed, or begin anew.")] = True,
) -> None:
    """Train a model on the prepared photos and publish it. Killed? The same command goes on where it was."""
    from snapshelf.pipelines.train import train as run

    run(
        Store(store),
        recipe=recipe,
        backbone=backbone,
        weights=weights,
        seed=seed,
        time_budget=time_budget,
        resume=resume,
    )


@app.command()
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
        _print_json(evaluation.to_json())


@app.command()
def index(
    catalogue: Annotated[str | None, typer.Argument(help="A table of products, or a folder CATEGORY/photo.")] = None,
    store: StoreOption = HERE,
    format: FormatOption = "auto",  # noqa: A002 (the option's name)
    split: Annotated[Split | None, typer.Option(help="Of a source with splits, only this one.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Build anew and swap, instead of adding.")] = False,
    remove: Annotated[list[str] | None, typer.Option(metavar="ID", help="Remove a product; may be repeated.")] = None,
    backbone: Annotated[str | None, typer.Option(help="Before any training: whose embeddings to use.")] = None,
) -> None:
    """Make the catalogue searchable: add and update products. Before any training, the pretrained backbone serves."""
    from snapshelf.imaging.decode import DecodeLimits
    from snapshelf.pipelines.index import index as run
    from snapshelf.wiring import open_encoder

    if catalogue is None and not remove:
        raise ConfigError("Nothing to do: name a catalogue, or products with --remove ID.")
    settings = load_settings()
    opened = Store(store)
    if not opened.has_current("models"):
        from snapshelf.pipelines.train import publish_pretrained

        publish_pretrained(opened, backbone or opened.config().train.backbone)
    encoder = open_encoder(opened, settings)
    run(
        opened,
        encoder,
        encoder.card,
        catalogue,
        format=format,
        split=split,
        replace=replace,
        remove=remove or [],
        limits=DecodeLimits.of(settings),
        num_threads=settings.num_threads,
    )


@app.command()
def recommend(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO…", help="One or more photo files.")],
    store: StoreOption = HERE,
    top_k: Annotated[int, typer.Option(help="How many products.", min=1, max=100)] = 12,
    as_json: JsonOption = False,
) -> None:
    """Recognise photos and recommend products that look like them."""
    from snapshelf.pipelines.recommend import recommend_files
    from snapshelf.wiring import open_shelf

    settings = load_settings()
    shelf = open_shelf(Store(store), settings)
    try:
        answers = recommend_files(shelf, photos, top_k=top_k, settings=settings, show=not as_json)
    finally:
        shelf.close()
    if as_json:
        # One photo answers as the HTTP API does; several are a list of such answers.
        _print_json(answers[0] if len(answers) == 1 else {"results": answers})
    if any("error" in answer for answer in answers):
        raise typer.Exit(2)


@app.command()
def serve(
    store: StoreOption = HERE,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = 8000,
) -> None:
    """Serve the page and the API."""
    from snapshelf.web.server import serve as run

    run(Store(store), load_settings(), host=host, port=port)


@app.command()
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


@models_app.command("list")
def models_list(store: StoreOption = HERE, as_json: JsonOption = False) -> None:
    """The models of the store, the one in use marked."""
    from snapshelf.pipelines.models import list_models, print_models

    rows = list_models(Store(store))
    if as_json:
        _print_json({"models": rows})
    else:
        print_models(rows)


@models_app.command("use")
def models_use(
    model_id: Annotated[str, typer.Argument(help="As `models list` shows it.")], store: StoreOption = HERE
) -> None:
    """Serve another model, with the index that it made, from the next start on: roll back, or forward again."""
    from snapshelf.pipelines.models import use_model

    index_id = use_model(Store(store), model_id)
    hint = (
        f"with the index {index_id}"
        if index_id
        else f"it has no index yet, so run: snapshelf index CATALOGUE{_store_hint(store)}"
    )
    console.print(f"In use: {model_id}; {hint}", markup=False)


def _store_hint(store: Path) -> str:
    return "" if store == HERE else f" --store {store}"


def _print_json(value: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
