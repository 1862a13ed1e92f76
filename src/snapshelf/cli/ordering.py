"""From orders to what is bought together: `orders`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snapshelf.artifacts.store import Store
from snapshelf.cli.options import HERE, JsonOption, StoreOption, print_json
from snapshelf.errors import ConfigError
from snapshelf.settings import load_settings


def orders(
    table: Annotated[
        Path | None, typer.Argument(metavar="ORDERS", help="A table: order_id, product_id, quantity, ordered_at.")
    ] = None,
    store: StoreOption = HERE,
    remove: Annotated[bool, typer.Option("--remove", help="Forget what was learnt from orders.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Learn from orders which products are bought together; the page shows them beside the look-alikes."""
    from snapshelf.pipelines.orders import learn_orders, remove_orders

    if (table is None) != remove:
        raise ConfigError("Name a table of orders, or --remove, and not both.")
    if table is None:
        remove_orders(Store(store))
        return
    result = learn_orders(Store(store), table, load_settings().qdrant_server)
    if as_json:
        print_json(result.to_json())
