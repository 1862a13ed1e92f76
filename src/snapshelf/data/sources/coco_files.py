"""Where COCO's annotation files lie, and where each one's photos are looked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from snapshelf.data.sources.coco_json import looks_like_coco
from snapshelf.data.sources.files import FolderTree
from snapshelf.data.sources.folder import SPLIT_NAMES
from snapshelf.errors import PhotoError
from snapshelf.types import Split

SPLIT_WORDS: dict[str, Split] = {**SPLIT_NAMES, "valid": "validation"}
"""Words in the names of files and folders that say which split they are. `valid` is Roboflow's."""

ROBOFLOW = "_annotations.coco.json"
"""What Roboflow calls the file that it exports into each split's folder, beside the photos."""

_ANNOTATION_FOLDERS = ("annotations", "labels")
_WITHOUT_BOXES = ("captions_", "image_info_", "panoptic_")
_MOST_FILES = 50
"""A folder with more JSON files than that has one a photo, which is another format."""


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """One JSON file, its name below the source's folder, its split, and the folders that may hold its photos."""

    path: Path
    name: str
    split: Split | None
    folders: tuple[str, ...]


def find_files(tree: FolderTree) -> list[Path]:
    """The annotation files of a folder, sorted: those in `annotations`, or at its top, or Roboflow's.

    Where there are `instances_*.json`, the others, such as `person_keypoints_*.json`, have the same boxes again or
    none, and are left out.
    """
    for folder in ("annotations", ""):
        found = [path for path in _json_files(tree.root / folder) if _is_readable(tree, path)]
        instances = [path for path in found if path.name.lower().startswith("instances")]
        if found := [path for path in instances or found if looks_like_coco(path)]:
            return found
    return sorted(
        path
        for path in tree.root.glob(f"*/{ROBOFLOW}")
        if path.parent.name.lower() in SPLIT_WORDS and _is_readable(tree, path) and looks_like_coco(path)
    )


def root_of(path: Path) -> Path:
    """The source's folder, where one annotation file alone is the source."""
    folder = path.absolute().parent
    return folder.parent if folder.name.lower() in _ANNOTATION_FOLDERS else folder


def below(tree: FolderTree, path: Path) -> Path:
    """An annotation file that is the source itself, as a path below the source's folder."""
    given = path.absolute()
    folder = tree.root if given.parent.resolve() == tree.root else tree.root / given.parent.name
    return folder / given.name


def annotation_file(tree: FolderTree, path: Path) -> AnnotationFile:
    """What is to be known of an annotation file before it is read."""
    folder = tree.name(path.parent) if path.parent != tree.root else ""
    split = _split_of(path.stem) or _split_of(folder)
    tail = re.split(r"[_\- ]", path.stem)[-1]
    words = [word for word, name in SPLIT_WORDS.items() if split and name == split]
    candidates = [place for word in (tail, *words) for place in (word, f"images/{word}", f"{folder}/{word}")]
    candidates += [folder, f"{folder}/images", "images", "data", ""]
    places = dict.fromkeys(place.strip("/") for place in candidates if place.isprintable())
    name = tree.name(path).encode(errors="replace").decode()
    return AnnotationFile(path, name, split, tuple(place for place in places if (tree.root / place).is_dir()))


def _split_of(name: str) -> Split | None:
    words = re.findall("[a-z]+", name.lower())
    return next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), None)


def _json_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.json"))
    return (
        [path for path in files if not path.name.lower().startswith(_WITHOUT_BOXES)]
        if len(files) <= _MOST_FILES
        else []
    )


def _is_readable(tree: FolderTree, path: Path) -> bool:
    """Whether a file lies in the source, links followed, under a name that can be shown."""
    try:
        tree.name(path).encode()
        return tree.inside(tree.name(path)).is_file()
    except (PhotoError, UnicodeEncodeError, OSError):
        return False
