"""The command line. Each command imports its pipeline inside itself, so that `--help` is instant."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from snapshelf import __version__
from snapshelf.cli import keeping, making, models, ordering, using
from snapshelf.errors import InputError, ProductNotFoundError, SnapshelfError, StoreError
from snapshelf.progress import console

app = typer.Typer(
    help="Teach it your products; customers find them with a photo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(help="The store's models.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(models_app, name="models")
feedback_app = typer.Typer(help="What customers said.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(feedback_app, name="feedback")


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


for _command in (
    making.init, making.prepare, making.train, making.evaluate, making.drift, using.index, ordering.orders,
    using.recommend, using.serve, using.demo, keeping.export, keeping.backup, keeping.restore
):  # fmt: skip
    app.command()(_command)
models_app.command("list")(models.models_list)
models_app.command("use")(models.models_use)
models_app.command("compare")(models.models_compare)
models_app.command("add")(models.models_add)
feedback_app.command("export")(using.feedback_export)
