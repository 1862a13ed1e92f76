"""`snapshelf backup` and `snapshelf restore`: a whole store as one file, checked by its hashes on the way back.

The archive is a tar file: the store's files, then `backup.json` with the SHA-256 of each. SQLite files are copied as
they are at one moment, also while a server writes to them. An index in the store is copied while it is held, so that
nobody changes it meanwhile; one on a Qdrant server stays there, and only its card is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import sqlite3
import tarfile
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from snapshelf import __version__
from snapshelf.adapters.index_folder import SHARD, begun_card
from snapshelf.adapters.qdrant_edge_index import hold_shard
from snapshelf.artifacts.publish import published_folder, sha256_file
from snapshelf.artifacts.store import Store
from snapshelf.errors import ConfigError, SourceError, StoreError
from snapshelf.progress import Bar, console, progress

MANIFEST = "backup.json"
SCHEMA_VERSION = 1

_OF_A_MOMENT = ("-wal", "-shm", "-journal", ".lock", ".tmp")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What went into an archive, or came out of it."""

    archive: Path
    num_files: int
    num_bytes: int
    on_servers: list[str] = field(default_factory=list)
    """Indexes that are on a Qdrant server, of which only the cards are there."""

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "archive": str(self.archive),
            "files": self.num_files,
            "bytes": self.num_bytes,
            "indexes_on_servers": self.on_servers,
        }


def back_up(store: Store, archive: Path, *, with_index: bool = True, with_datasets: bool = True) -> BackedUp:
    """Write a store into a new file, whole or not at all.

    Args:
        store: what is backed up; it may be served meanwhile, without its indexes.
        archive: a file that is not there yet; one that ends in `.gz` is compressed.
        with_index: without, it is built anew after restoring, by `snapshelf index CATALOGUE`.
        with_datasets: without, they are made anew before training, by `snapshelf prepare`.

    Raises:
        ConfigError: the archive is there already, or inside the store.
        StoreError: there is nothing to back up, or another process has an index open.
    """
    if archive.exists():
        raise ConfigError(f"{archive} is there already; it was left as it is. Name another file.")
    if not archive.resolve().parent.is_dir():
        raise ConfigError(f"{archive.parent} is no folder, so nothing can be written there.")
    if archive.resolve().is_relative_to(store.root.resolve()):
        raise ConfigError(f"{archive} is inside the store {store.root}; name a file elsewhere.")
    work = archive.with_name(f".{archive.name}.tmp")
    try:
        with contextlib.ExitStack() as held:
            on_servers = _hold(store, held) if with_index else []
            left_out = {"downloads"} | (set() if with_index else {"index"}) | (set() if with_datasets else {"datasets"})
            files = sorted(_files(store, left_out))
            if not files:
                raise StoreError(f"{store.root} holds nothing of a store, so there is nothing to back up.")
            num_bytes = _write(work, store, files)
        work.replace(archive)
    finally:
        work.unlink(missing_ok=True)
    result = BackedUp(archive, len(files), num_bytes, on_servers)
    _say_backed_up(result, store, left_out)
    return result


def restore(archive: Path, store: Store) -> BackedUp:
    """Make a store of an archive, whole or not at all.

    Raises:
        ConfigError: there is something in the store's folder already.
        SourceError: the file is no backup, of a newer snapshelf, damaged, or cut off.
    """
    if store.root.exists() and any(store.root.iterdir()):
        raise ConfigError(f"{store.root} is not empty; it was left as it is. Name a folder that is not there yet.")
    try:
        with tarfile.open(archive) as tar, published_folder(store.root.resolve()) as folder:
            result = _read(tar, archive, folder)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise SourceError(f"{archive} cannot be read as a backup ({error}). Nothing was restored.") from None
    console.print(f"Restored {result.num_files:,} files to {store.root}", markup=False)
    for name in result.on_servers:
        console.print(f"The index {name} is on a Qdrant server; restore it there, or build it anew.", markup=False)
    console.print(f"Next: snapshelf serve --store {store.root}", markup=False)
    return result


def _hold(store: Store, held: contextlib.ExitStack) -> list[str]:
    """Hold every index of the store, so that nobody changes one; returns those that are on servers."""
    on_servers = []
    for name in store.ids("index"):
        folder = store.folder("index", name)
        card = begun_card(folder)
        if card and card.collection:
            on_servers.append(name)
            continue
        try:
            held.enter_context(hold_shard(folder / SHARD))
        except StoreError as error:
            raise StoreError(f"{error} Or back up without the indexes: --without-index") from None
    return on_servers


def _files(store: Store, left_out: Collection[str]) -> Iterator[Path]:
    """Paths within the store: no folders that are left out, no work folders, nothing that holds for a moment only."""
    for path in store.root.rglob("*"):
        own = path.relative_to(store.root)
        is_hidden = any(part.startswith(".") for part in own.parts)
        is_wanted = path.is_file() and own.parts[0] not in left_out and not own.name.endswith(_OF_A_MOMENT)
        if is_wanted and not is_hidden:
            yield own


def _write(work: Path, store: Store, files: list[Path]) -> int:
    hashes: dict[str, str] = {}
    num_bytes = 0
    total = sum((store.root / path).stat().st_size for path in files)
    kind = "w:gz" if work.name.endswith(".gz.tmp") else "w"
    with tarfile.open(work, kind) as tar, progress("Backing up", total, "bytes") as step:  # type: ignore[call-overload]
        for path in files:
            with _steady(store.root / path) as source:
                hashes[path.as_posix()] = sha256_file(source)
                num_bytes += _add(tar, source, path.as_posix(), step)
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "snapshelf_version": __version__,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "files": hashes,
        }
        content = json.dumps(manifest, indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return num_bytes


def _add(tar: tarfile.TarFile, source: Path, name: str, step: Bar) -> int:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = source.stat().st_size, int(source.stat().st_mtime), source.stat().st_mode & 0o777
    with source.open("rb") as content:
        tar.addfile(info, content)
    step(info.size)
    return info.size


@contextlib.contextmanager
def _steady(path: Path) -> Iterator[Path]:
    """The file itself; of a SQLite file a copy of one moment, with what its log holds."""
    with path.open("rb") as file:
        is_sqlite = file.read(16) == b"SQLite format 3\0"
    if not is_sqlite:
        yield path
        return
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / path.name
        with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        copy.chmod(path.stat().st_mode & 0o777)
        yield copy


def _read(tar: tarfile.TarFile, archive: Path, folder: Path) -> BackedUp:
    hashes: dict[str, str] = {}
    wanted: dict[str, str] | None = None
    num_bytes = 0
    for member in tar:
        content = tar.extractfile(member) if member.isfile() else None
        if content is None:
            raise SourceError(f"{archive} holds {member.name!r}, which is no file. Nothing was restored.")
        if member.name == MANIFEST:
            wanted = _manifest(content.read(), archive)
            continue
        path = _inside(folder, member.name, archive)
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with path.open("wb") as file:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
        path.chmod(member.mode & 0o777 | 0o600)
        hashes[member.name] = digest.hexdigest()
        num_bytes += member.size
    if wanted is None:
        raise SourceError(f"{archive} has no {MANIFEST}: it is no backup of a store, or its end is missing.")
    if differing := sorted(name for name in wanted.keys() | hashes.keys() if wanted.get(name) != hashes.get(name)):
        raise SourceError(f"{archive} is damaged: {differing[0]} is not what was backed up. Nothing was restored.")
    cards = (begun_card(path) for path in (folder / "index").glob("*") if path.is_dir())
    return BackedUp(archive, len(hashes), num_bytes, [card.id for card in cards if card and card.collection])


def _manifest(content: bytes, archive: Path) -> dict[str, str]:
    try:
        found = json.loads(content)
        version, files = int(found["schema_version"]), dict(found["files"])
    except (ValueError, TypeError, KeyError):
        raise SourceError(f"{archive} has a {MANIFEST} that cannot be read. Nothing was restored.") from None
    if version > SCHEMA_VERSION:
        raise SourceError(f"{archive} was made by a newer snapshelf (schema {version}); use that one to restore it.")
    return files


def _inside(folder: Path, name: str, archive: Path) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or path == folder.resolve():
        raise SourceError(f"{archive} holds {name!r}, which lies outside of a store. Nothing was restored.")
    return path


def _say_backed_up(result: BackedUp, store: Store, left_out: Collection[str]) -> None:
    lines = [f"{result.num_files:,} files, {result.num_bytes / 1e6:,.1f} MB, in {result.archive}"]
    lines += [f"The index {name} is on a Qdrant server: make a snapshot there." for name in result.on_servers]
    if "index" in left_out:
        lines.append("Without the indexes: after restoring, run snapshelf index CATALOGUE")
    if "datasets" in left_out:
        lines.append("Without the data sets: before training again, run snapshelf prepare PHOTOS")
    if store.feedback_path.exists():
        lines.append("It holds what customers said, and photos that they left for a time: keep it no longer than that.")
    for line in [*lines, f"Back again: snapshelf restore {result.archive} --store FOLDER"]:
        console.print(line, markup=False)
