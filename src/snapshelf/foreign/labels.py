"""`--labels`: the categories of a network, in the order of its answers."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from snapshelf.errors import ConfigError

_ENDINGS = (".txt", ".json", ".csv", ".names")


def labels_of(given: str) -> list[str]:
    """A file with one a line, a file of JSON, or the labels themselves with commas between.

    JSON is a list, or an object that says which number a label has: `{"coat": 0}`, as Keras has `class_indices`, or
    `{"0": "coat"}`.

    Raises:
        ConfigError: the file cannot be read, holds something else, or fewer than two labels; one is empty or there
            twice.
    """
    path = Path(given)
    if "," not in given and (len(given) < 256 and path.is_file()):
        labels = _of_file(path)
    elif given.lower().endswith(_ENDINGS) or "," not in given:
        raise ConfigError(
            f"--labels {given}: no such file. Name one with a label a line, or the labels: shirt,coat,bag"
        )
    else:
        labels = given.split(",")
    labels = [label.strip() for label in labels]
    if "" in labels:
        raise ConfigError(f"--labels {given}: label number {labels.index('') + 1} is empty.")
    label, number = Counter(labels).most_common(1)[0] if labels else ("", 0)
    if number > 1:
        raise ConfigError(f"--labels {given}: {label!r} is there {number} times; each label stands for one answer.")
    if len(labels) < 2:
        raise ConfigError(f"--labels {given}: {len(labels)} found; expected at least two.")
    return labels


def _of_file(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"--labels {path} cannot be read as text: {error}.") from None
    if not text.lstrip().startswith(("[", "{")):
        return text.rstrip().splitlines()
    try:
        return _of_json(json.loads(text))
    except (ValueError, TypeError):
        raise ConfigError(
            f'--labels {path}: expected JSON as ["coat", …], {{"coat": 0, …}} or {{"0": "coat", …}}, with every '
            "number from 0 on once."
        ) from None


def _of_json(found: Any) -> list[str]:  # noqa: ANN401 (whatever a file holds)
    if isinstance(found, dict):
        by_number = {int(key): value for key, value in found.items()} if _has_numbers(found) else {
            value: key for key, value in found.items()
        }  # fmt: skip
        found = [by_number[number] for number in range(len(found))] if _is_range(by_number) else None
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        raise TypeError
    return found


def _has_numbers(found: dict[str, Any]) -> bool:
    return all(key.isdecimal() for key in found) and not all(isinstance(value, int) for value in found.values())


def _is_range(by_number: dict[Any, Any]) -> bool:
    return set(by_number) == set(range(len(by_number)))
