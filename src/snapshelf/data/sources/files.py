"""Photo files for the sources: never one outside a source's folder, never more than a photo can be, and every failure
said in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from snapshelf.errors import PhotoError, PhotoMissingError, PhotoTooManyBytesError
from snapshelf.imaging.decode import SUFFIXES
from snapshelf.types import Rejected

_NO_PHOTO_IS_LARGER_BYTES = 512_000_000
_SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})

PHOTO_SUFFIXES = ", ".join(sorted(SUFFIXES))
"""The endings of photos' names, for messages."""


class FolderTree:
    """What lies below a source's folder, and nothing that lies outside it."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def inside(self, path: str) -> Path:
        """Where a path below the folder leads.

        Raises:
            PhotoError: out of the folder, or it cannot be the name of a file.
        """
        try:
            file = (self.root / path).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise PhotoError(f"{path[:80]!r} cannot be the name of a file ({error}).") from None
        if not file.is_relative_to(self.root):
            raise PhotoError(f"{path} leaves the source's folder; it was not read.")
        return file

    def photos(self, folder: Path, parents: tuple[Path, ...]) -> Iterator[Path | Rejected]:
        """Every photo in a folder and those below it, in the order of their paths, all else as rejected.

        Args:
            folder: where to look.
            parents: the real folders that lead to it, itself included; see `entries`.
        """
        for entry in self.entries(folder, parents):
            if isinstance(entry, Rejected):
                yield entry
            elif entry.is_dir():
                yield from self.photos(entry, (*parents, entry.resolve()))
            elif is_photo(entry):
                yield entry
            else:
                yield self.rejected(entry, f"not a photo by its name; photos end in {PHOTO_SUFFIXES}")

    def entries(self, folder: Path, parents: tuple[Path, ...]) -> Iterator[Path | Rejected]:
        """What lies in a folder, sorted; what must not be followed comes as rejected, such as a link to one of
        `parents`. The system's own files are passed over.
        """
        try:
            entries = sorted(entry for entry in folder.iterdir() if not is_system(entry))
        except OSError as error:
            yield replace(self.rejected(folder, f"the folder cannot be read: {error.strerror or error}"), unread=True)
            return
        for entry in entries:
            problem = self._problem(entry, parents)
            yield self.rejected(entry, problem) if problem else entry

    def _problem(self, entry: Path, parents: tuple[Path, ...]) -> str | None:
        try:
            entry.name.encode()
            target = entry.resolve() if entry.is_symlink() else entry
        except UnicodeEncodeError:
            return "its name is not valid UTF-8; rename it"
        except (OSError, RuntimeError):  # RuntimeError: how Python before 3.13 says that links form a ring
            return "a link in a loop; it was not followed"
        if target is not entry and not target.is_relative_to(self.root):
            return "a link that leaves the source's folder; it was not followed"
        if target is not entry and target in parents:
            return "a link in a loop; it was not followed"
        if not (target.is_dir() or target.is_file()):
            return "a link to nothing" if target is not entry else "neither a file nor a folder"
        return None

    def name(self, entry: Path) -> str:
        """An entry's path below the folder, with forward slashes."""
        return entry.relative_to(self.root).as_posix()

    def rejected(self, entry: Path, reason: str) -> Rejected:
        """An entry that cannot be used."""
        return Rejected(self.name(entry).encode(errors="replace").decode(), reason)


class FolderPhotos:
    """What the sources share whose photos are files below one folder."""

    def __init__(self, root: Path) -> None:
        self._tree = FolderTree(root)

    def read(self, path: str) -> bytes:
        """One photo's bytes.

        Raises:
            PhotoError: it cannot be read, or lies outside the source.
        """
        return read_file(self._tree.inside(path))

    def stamp(self, path: str) -> str:
        """The file's size and time of change."""
        return file_stamp(self._tree.inside(path))


def is_photo(entry: Path) -> bool:
    """Whether something is a photo by its name; a folder may have such a name too."""
    return entry.suffix.lower() in SUFFIXES


def is_system(entry: Path) -> bool:
    """Whether something is hidden, or one of the files that systems leave in folders."""
    return entry.name.startswith(".") or entry.name.lower() in _SYSTEM_NAMES


def read_file(path: Path) -> bytes:
    """A photo file's bytes.

    Raises:
        PhotoTooManyBytesError: so large that it is not read at all; the limit for photos is checked on decoding.
        PhotoMissingError: it is not there.
        PhotoError: it cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > _NO_PHOTO_IS_LARGER_BYTES:
            raise PhotoTooManyBytesError(f"The file has {size:,} bytes; no photo is that large.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PhotoMissingError(f"The file cannot be read: {error.strerror}.") from None
    except OSError as error:
        raise PhotoError(f"The file cannot be read: {error.strerror or error}.") from None


def file_stamp(path: Path) -> str:
    """What changes when the file does: its size in bytes and its time of change; `missing` where there is none."""
    try:
        status = path.stat()
    except OSError:
        return "missing"
    return f"{status.st_size}-{status.st_mtime_ns}"
