"""The models of a store: `models list`, `use`, `compare`, `add`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snapshelf.artifacts.store import Store
from snapshelf.cli.options import HERE, JsonOption, StoreOption, print_json, store_hint
from snapshelf.progress import console
from snapshelf.settings import load_settings


def models_list(store: StoreOption = HERE, as_json: JsonOption = False) -> None:
    """The models of the store, the one in use marked."""
    from snapshelf.pipelines.models import list_models, print_models

    rows = list_models(Store(store))
    if as_json:
        print_json({"models": rows})
    else:
        print_models(rows)


def models_use(
    model_id: Annotated[str, typer.Argument(help="As `models list` shows it.")], store: StoreOption = HERE
) -> None:
    """Serve another model, with the index that it made: roll back, or forward again. A running server follows."""
    from snapshelf.pipelines.models import use_model

    index_id = use_model(Store(store), model_id)
    hint = (
        f"with the index {index_id}"
        if index_id
        else f"it has no index yet, so run: snapshelf index CATALOGUE{store_hint(store)}"
    )
    console.print(f"In use: {model_id}; {hint}", markup=False)


def models_compare(
    model_ids: Annotated[list[str] | None, typer.Argument(help="As `models list` shows them; all, if none.")] = None,
    store: StoreOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Models side by side: scores, verdicts, size, what they learnt from."""
    from snapshelf.pipelines.compare_models import compare_models, print_comparison

    compared = compare_models(Store(store), model_ids or [])
    if as_json:
        print_json({"models": compared})
    else:
        print_comparison(compared)


def models_add(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="A classifier of photos, of any trainer.")],
    labels: Annotated[
        str,
        typer.Option(
            help="In the order of its answers: a file, one a line or JSON, or the labels with commas between."
        ),
    ],
    size: Annotated[
        int | None, typer.Option(metavar="PX", help="The side of its photos, where the model takes any.")
    ] = None,
    mean: Annotated[
        str, typer.Option(help="Subtracted from pixels, 0 to 255: a number, or one a channel with commas between.")
    ] = "0",
    std: Annotated[str, typer.Option(help="Then divided by. For pixels that were divided by 255: 255.")] = "1",
    bgr: Annotated[
        bool, typer.Option("--bgr", help="Its channels are blue, green, red, as Keras's VGG16 has them.")
    ] = False,
    store: StoreOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Bring a model that was trained elsewhere into the store, checked and calibrated on its photos."""
    from snapshelf.pipelines.add_model import Described, add_model

    described = Described(labels, size, mean, std, bgr)
    added = add_model(Store(store), model, described, num_threads=load_settings().num_threads)
    if as_json:
        print_json(added.to_json())
