"""What leaves a store, and comes back: `export`, `backup`, `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from snapshelf.artifacts.store import Store
from snapshelf.cli.options import HERE, JsonOption, StoreOption, print_json


def backup(
    archive: Annotated[Path, typer.Argument(help="A file that is not there yet; compressed if it ends in .gz.")],
    store: StoreOption = HERE,
    without_index: Annotated[
        bool, typer.Option("--without-index", help="As while a server runs; it is built anew after restoring.")
    ] = False,
    without_datasets: Annotated[
        bool, typer.Option("--without-datasets", help="Most of the size; they are prepared anew before training.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the store into one file."""
    from snapshelf.pipelines.backup import back_up

    result = back_up(Store(store), archive, with_index=not without_index, with_datasets=not without_datasets)
    if as_json:
        print_json(result.to_json())


def restore(
    archive: Annotated[Path, typer.Argument(help="As backup wrote it.")],
    store: StoreOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Make a store of a backup, in a folder that is empty or not there yet."""
    from snapshelf.pipelines.backup import restore as run

    result = run(archive, Store(store))
    if as_json:
        print_json(result.to_json())


def export(
    to: Annotated[
        Literal["onnx", "litert", "openvino", "web"],
        typer.Option("--to", help="The form. web: for customers' browsers, which this store's page then offers."),
    ],
    quantize: Annotated[
        Literal["none", "int8"], typer.Option(help="int8: a quarter of the size, calibrated on the store's photos.")
    ] = "none",
    model: Annotated[str | None, typer.Option(metavar="ID", help="Default: the model in use.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="A folder.", show_default="STORE/exports, by the model's id")
    ] = None,
    store: StoreOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write a model for phones and other engines, and compare what it says on up to 500 photos."""
    from snapshelf.pipelines.export import export as run
    from snapshelf.settings import load_settings

    result = run(
        Store(store),
        to=to,
        quantize=quantize,
        model_id=model,
        folder=output,
        num_threads=load_settings().num_threads,
    )
    if as_json:
        print_json(result.to_json())
