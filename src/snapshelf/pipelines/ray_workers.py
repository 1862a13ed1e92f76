"""Photos are read and embedded by the machines of a Ray cluster (the [ray] extra); this one writes what they found.

The model's files, and how photos are read, travel to each worker once; the rows of the catalogue travel in blocks with
what is known of their photos, and come back embedded, in their order. A worker that dies is replaced by Ray, and its
blocks are done again by another: nothing of them was written yet.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import pickle  # between processes of one version of this program; nothing on disk is pickled
import platform
import re
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import ray
import ray.data

from snapshelf import __version__
from snapshelf.adapters.engines import open_model
from snapshelf.adapters.model_encoder import MODEL_FILE
from snapshelf.artifacts.cards import FILE_NAME as CARD_FILE
from snapshelf.data.catalogue import Catalogue, CatalogueEntry
from snapshelf.errors import ClusterError, ConfigError, PhotoMissingError
from snapshelf.gallery import Embedder, RawPhoto
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.embed_photos import EmbeddedEntry, EntryEmbedder
from snapshelf.types import Rejected

_BLOCK = 128
"""Rows a task: some seconds of work, and all that is lost where a worker dies."""

_WAIT_S = 10
"""For a cluster's first machine to answer."""

_HOST_PORT = re.compile(r"(?P<host>[^:/\s]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")

_Row = CatalogueEntry | Rejected


class RayCluster:
    """A Ray cluster, connected to while this is used as a context; workers that embed take one core each."""

    def __init__(self, address: str, *, num_cores: int, num_workers: int | None = None) -> None:
        """Nothing is connected yet.

        Args:
            address: `local` starts Ray here, for as long as this lasts; `auto` is the cluster that this machine belongs
                to; else a cluster's HOST:PORT. Where this process uses Ray already, that is taken.
            num_cores: how many cores a Ray that is started here may use.
            num_workers: how many embed at a time; as many as the cluster has cores if not given.

        Raises:
            ConfigError: the address is none.
        """
        if address not in ("local", "auto") and not _HOST_PORT.fullmatch(address):
            raise ConfigError(
                f"--ray is {address!r}; expected local, auto or a cluster's HOST:PORT, such as 10.0.0.5:6379. Ray "
                "clients (ray://) cannot do this: run it on a machine of the cluster, which "
                "ray start --address=HOST:PORT makes it."
            )
        self._address = address
        self._num_cores = num_workers or num_cores
        self._num_workers = num_workers
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            ConfigError: there is no cluster at that address.
        """
        # Ray writes what it thinks of its workers to standard output, which is for results.
        self._stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        for handler in logging.getLogger("ray.data").handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setLevel(logging.CRITICAL)  # its file has everything
        if not ray.is_initialized():
            self._connect()
        return self

    def _connect(self) -> None:
        # A Ray that starts here would tell its makers how it is used. Whoever wants that says so.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        here = {"num_cpus": self._num_cores, "include_dashboard": False} if self._address == "local" else {}
        try:
            if address := _HOST_PORT.fullmatch(self._address):  # Ray itself would try for minutes
                socket.create_connection((address["host"].strip("[]"), int(address["port"])), _WAIT_S).close()
            ray.init(self._address, log_to_driver=False, logging_level=logging.ERROR, **here)
        except Exception as error:  # Ray raises bare ones, such as where it takes over 30 s to start
            self._stack.close()
            raise ConfigError(
                f"--ray {self._address}: no Ray can be had there ({_first_line(error)}). Start one with ray start "
                "--head, use this machine alone with --ray local, or leave --ray out to work on threads."
            ) from None
        self._stack.callback(ray.shutdown)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def embed(
        self, catalogue: Catalogue, known: Mapping[str, str], model: Path, limits: DecodeLimits
    ) -> Iterator[EmbeddedEntry | Rejected]:
        """What became of a catalogue's rows, in their order.

        Args:
            catalogue: its rows are read here, its photos by the workers, which must see them under the same paths.
            known: `photo_id` to `photo_sha256` of what is in the index; a photo of that content is not embedded again.
            model: the model's folder; its files are sent to the workers.
            limits: photos beyond these are rejected.

        Raises:
            ClusterError: workers cannot be started, or fail over something else than a photo.
        """
        work = ray.put(
            _Work(
                catalogue,
                (model / MODEL_FILE).read_bytes(),
                (model / CARD_FILE).read_bytes(),
                limits,
                catalogue.waits_for_the_web(),
            )
        )
        blocks = [ray.put(block) for block in _blocks(catalogue.entries(), known)]
        if not blocks:
            return
        rows = ray.data.from_arrow_refs(blocks)
        rows.context.execution_options.preserve_order = True
        rows.context.enable_progress_bars = False
        rows.context.print_on_execution_start = False
        num_workers = self._num_workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        embedded = rows.map_batches(
            _Worker,
            fn_constructor_args=(__version__, work),
            batch_size=None,  # a block
            batch_format="pyarrow",
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=num_workers, initial_size=num_workers),
        )
        try:
            for block in embedded.iter_batches(batch_size=None, batch_format="pyarrow"):
                for row in block.column("row"):
                    yield pickle.loads(row.as_py())  # noqa: S301 (our own workers wrote it)
        except ray.exceptions.RayError as error:
            raise ClusterError(
                f"The cluster's workers failed: {_last_line(error)} What was written stays; the same command goes on. "
                "Ray's log is in /tmp/ray/session_latest/logs on each machine."
            ) from None


@dataclass(frozen=True, slots=True)
class _Work:
    """What each worker is given once."""

    catalogue: Catalogue
    model: bytes
    card: bytes
    limits: DecodeLimits
    from_the_web: bool


class _Worker:
    """One actor of the cluster: opens the model once, then embeds blocks of rows on one core."""

    def __init__(self, version: str, work: ray.ObjectRef) -> None:
        if version != __version__:
            raise ClusterError(
                f"{platform.node()} has snapshelf {__version__}, the machine that indexes {version}; install the same."
            )
        given: _Work = ray.get(work)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / MODEL_FILE).write_bytes(given.model)
            (folder / CARD_FILE).write_bytes(given.card)
            encoder = open_model(folder, num_threads=1)
        self._catalogue = given.catalogue
        self._embedder = EntryEmbedder(self._read, Embedder(encoder, given.limits), 1, given.from_the_web)

    def __call__(self, block: pa.Table) -> pa.Table:
        rows: list[_Row] = [pickle.loads(row) for row in block.column("row").to_pylist()]  # noqa: S301 (from `_blocks`)
        known = {
            row.photo_id: digest
            for row, digest in zip(rows, block.column("known").to_pylist(), strict=True)
            if isinstance(row, CatalogueEntry) and digest
        }
        return pa.table({"row": [pickle.dumps(row) for row in self._embedder.embed(rows, known)]})

    def _read(self, entry: CatalogueEntry) -> RawPhoto:
        try:
            return self._catalogue.read(entry)
        except PhotoMissingError as error:
            raise PhotoMissingError(
                f"{error} So it is on {platform.node()}, a machine of the cluster: photos must lie in a folder that "
                "every machine sees under the same path, or on the web."
            ) from None


def _blocks(rows: Iterator[_Row], known: Mapping[str, str]) -> Iterator[pa.Table]:
    """Rows for the workers, each with the hash of the photo that is there."""
    while block := list(itertools.islice(rows, _BLOCK)):
        hashes = [known.get(row.photo_id) if isinstance(row, CatalogueEntry) else None for row in block]
        yield pa.table({"row": [pickle.dumps(row) for row in block], "known": pa.array(hashes, pa.string())})


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")


def _last_line(error: ray.exceptions.RayError) -> str:
    """What a worker said, after the way that it took through Ray."""
    return str(error).strip().rpartition("\n")[2].strip()
