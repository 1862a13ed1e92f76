"""Where the files of a Hugging Face data set lie, which split they are of, and which columns hold photos and labels.

Forms: https://huggingface.co/docs/hub/datasets-file-names-and-splits, https://huggingface.co/docs/datasets/image_dataset
and what `datasets` writes into a Parquet file's schema under the key `huggingface`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import pyarrow as pa

from snapshelf.data.sources.files import is_system
from snapshelf.types import Split

LABEL_COLUMNS = ("label", "labels", "category", "class")
_IMAGE_COLUMNS = ("image", "img")
_FILE_NAME = "file_name"

_SPLIT_WORDS: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_BETWEEN_WORDS = re.compile(r"[-._ 0-9]+")
_SHARDS = "data"


def split_of_path(path: str) -> Split | None:
    """The split that a path names: by one of its folders, else by the file's name, in a word of its own."""
    *folders, name = PurePosixPath(path).parts or ("",)
    for part in (*folders, name):
        words = set(_BETWEEN_WORDS.split(part.lower()))
        for split, names in _SPLIT_WORDS.items():
            if words.intersection(names):
                return split
    return None


def split_of_folder(name: str) -> Split | None:
    """The split whose name a folder has, with nothing before or after it; a class may well be named `dev board`."""
    return next((split for split, names in _SPLIT_WORDS.items() if name.lower() in names), None)


def places(root: Path) -> list[Path]:
    """The folders in which the files of a data set may lie: its own, `data`, those of splits, and those of splits in
    any other folder (`<configuration>/<split>`). None of them is searched deeper, as they may hold a million photos.
    """
    found = [root]
    for folder in sorted(entry for entry in root.iterdir() if not is_system(entry) and entry.is_dir()):
        if folder.name == _SHARDS or split_of_path(folder.name):
            found.append(folder)
        words = (word for words in _SPLIT_WORDS.values() for word in words)
        found += sorted(below for word in words if (below := folder / word).is_dir())
    return found


def image_column(schema: pa.Schema, asked: str | None = None) -> str | None:
    """The column whose cells hold photos: structs of `bytes` and `path`, or bytes under a name that says image."""
    features = _features(schema)
    found = [field.name for field in schema if _is_image(field, features)]
    if asked is not None:
        return asked if asked in found else None
    return next((name for name in _IMAGE_COLUMNS if name in found), found[0] if found else None)


def _is_image(field: pa.Field, features: Mapping[str, object]) -> bool:
    if pa.types.is_struct(field.type):
        return any(part.name == "bytes" and _is_bytes(part.type) for part in field.type)
    feature = features.get(field.name)
    said = isinstance(feature, dict) and feature.get("_type") == "Image"
    return _is_bytes(field.type) and (said or field.name in _IMAGE_COLUMNS)


def _is_bytes(type_: pa.DataType) -> bool:
    return bool(pa.types.is_binary(type_) or pa.types.is_large_binary(type_))


def label_column(names: Iterable[str], schema: pa.Schema | None = None, asked: str | None = None) -> str | None:
    """The column of the labels: the one asked for, else by its name, else the only one that has class names."""
    there = list(names)
    if asked is not None:
        return asked if asked in there else None
    named = next((name for name in LABEL_COLUMNS if name in there), None)
    with_names = [name for name in there if schema is not None and class_names(schema, name)]
    return named or (with_names[0] if len(with_names) == 1 else None)


def class_names(schema: pa.Schema, column: str) -> tuple[str, ...]:
    """The names of a column's numbers, where the schema has them."""
    feature = _features(schema).get(column)
    names = feature.get("names") if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _features(schema: pa.Schema) -> Mapping[str, object]:
    try:
        content = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = content["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}


def file_name_columns(names: Iterable[str]) -> Iterator[str]:
    """The columns that say where a photo lies, the plain one first."""
    return iter(sorted((name for name in names if name == _FILE_NAME or name.endswith(f"_{_FILE_NAME}")), key=len))
