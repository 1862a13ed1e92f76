"""`snapshelf feedback export`: what customers said and staff accepted → photos to learn from, in folders of classes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snapshelf.adapters.sqlite_feedback import KeptFeedback, SqliteFeedback
from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.publish import write_atomic
from snapshelf.artifacts.store import Store
from snapshelf.errors import ArtifactMissingError, ConfigError
from snapshelf.progress import console

_PAGE = 500
_OURS = re.compile(r"feedback-(\d+)\.jpg")


@dataclass(frozen=True, slots=True)
class Exported:
    """What lies in the folder now, and what could not go there."""

    folder: Path
    photos: dict[str, int]
    """By category."""
    removed: int
    """Photos of before whose feedback is gone, or is no longer accepted for that category."""
    without_photo: int
    """Accepted with a category, but the customer left no photo."""
    unusable: dict[str, str]
    """Labels that are no folder's name, and why."""

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "folder": str(self.folder),
            "photos": self.photos,
            "removed": self.removed,
            "without_photo": self.without_photo,
            "unusable_labels": self.unusable,
        }


def export_feedback(store: Store, folder: Path) -> Exported:
    """Bring a folder CLASS/feedback-NUMBER.jpg to what is accepted now: photos whose days are over go from there, too.

    Raises:
        ArtifactMissingError: nobody has said anything in this store yet.
        ConfigError: the folder is a file.
    """
    if not store.feedback_path.exists():
        raise ArtifactMissingError(f"{store.feedback_path} is not there: nothing was said in this store yet.")
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; expected a folder, or the name of one to be made.")
    queue = SqliteFeedback(store.feedback_path)
    try:
        exported = _exported(queue, folder, _known_labels(store))
    finally:
        queue.close()
    _say(exported, store)
    return exported


def _exported(queue: SqliteFeedback, folder: Path, known: dict[str, str]) -> Exported:
    photos: Counter[str] = Counter()
    unusable: dict[str, str] = {}
    wanted: set[Path] = set()
    without_photo = 0
    for kept in _accepted(queue):
        label = known.get(kept.label.casefold(), kept.label) if kept.label else ""
        content = queue.photo(kept.id) if label else None
        if content is None:
            without_photo += bool(label)
        elif why := _why_no_folder(label):
            unusable[label] = why
        else:
            path = folder / unicodedata.normalize("NFC", label) / f"feedback-{kept.id}.jpg"
            if not path.exists() or path.read_bytes() != content:  # else `prepare` would decode it again
                write_atomic(path, content)
            wanted.add(path)
            photos[label] += 1
    removed = _remove_others(folder, wanted)
    return Exported(folder, dict(sorted(photos.items())), removed, without_photo, unusable)


def _accepted(queue: SqliteFeedback) -> Iterator[KeptFeedback]:
    offset = 0
    while page := queue.newest(offset=offset, limit=_PAGE, state="accepted"):
        yield from page
        offset += len(page)


def _known_labels(store: Store) -> dict[str, str]:
    """The categories of the model in use as it spells them, by what they are without capitals."""
    if not store.has_current("models"):
        return {}
    return {label.casefold(): label for label in ModelCard.read(store.current("models")).labels}


def _why_no_folder(label: str) -> str | None:
    if "/" in label or "\\" in label or not label.isprintable():
        return "it has a slash or a character that is not printed"
    if label.startswith(".") or label.strip() != label or len(label.encode()) > 200:
        return "it begins with a dot or a space, ends with one, or is very long"
    return None


def _remove_others(folder: Path, wanted: Iterable[Path]) -> int:
    """Photos that an earlier export wrote and that are not wanted any more; other files are left alone."""
    ours = [path for path in folder.glob("*/feedback-*.jpg") if _OURS.fullmatch(path.name)]
    gone = set(ours) - set(wanted)
    for path in gone:
        path.unlink()
    for empty in {path.parent for path in gone}:
        if not any(empty.iterdir()):
            empty.rmdir()
    return len(gone)


def _say(exported: Exported, store: Store) -> None:
    num = sum(exported.photos.values())
    counts = ", ".join(f"{label} {count}" for label, count in exported.photos.items()) or "none"
    lines = [f"{num:,} photos of accepted feedback in {exported.folder}: {counts}"]
    if exported.removed:
        lines.append(f"Removed there, as their feedback is gone or decided otherwise: {exported.removed:,}")
    if exported.without_photo:
        lines.append(f"Accepted, but no photo was left: {exported.without_photo:,}")
    lines += [f"The label {label!r} is no name of a class: {why}." for label, why in exported.unusable.items()]
    if num:
        lines.append(
            "Customers left these photos for a time (SNAPSHELF_FEEDBACK_DAYS): export again before each training, and "
            "remove data sets that are older than that."
        )
        lines.append(f"Next: snapshelf prepare PHOTOS --also {exported.folder} --store {store.root}")
    for line in lines:
        console.print(line, markup=False)
