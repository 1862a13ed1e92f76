"""Options that several commands share, and what they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

PhotoFormat = Literal[
    "auto",
    "coco",
    "fashion-mnist",
    "folder",
    "google-merchant",
    "hugging-face",
    "imagenet",
    "mnist",
    "open-images",
    "shopify",
    "table",
    "woocommerce",
]
Recipe = Literal["quick", "balanced", "best"]

StoreOption = Annotated[Path, typer.Option("--store", help="The store's folder.", show_default="the current folder")]
FormatOption = Annotated[PhotoFormat, typer.Option("--format", help="The source's form; auto looks for itself.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else there.")]

HERE = Path()


def store_hint(store: Path) -> str:
    """What to add to a command that is recommended, so that it is about the same store."""
    return "" if store == HERE else f" --store {store}"


def print_json(value: Mapping[str, object]) -> None:
    """One object on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
