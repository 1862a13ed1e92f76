"""The server of the soak, what is written down of it, and the samples that are taken."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from soak_ledger import Outcomes

KEY = "a key of the soak alone, for staff"
SAMPLE_EVERY_S = 5.0


class Journal:
    """A JSON Lines file; each line says how many seconds after the first one it was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def write(self, kind: str, **said: object) -> None:
        """One line, at once."""
        line = json.dumps({"kind": kind, "at_s": round(time.monotonic() - self._began, 2), **said})
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()


class Server:
    """`snapshelf serve` in a process of its own, always at the same port."""

    def __init__(self, store: Path, log: Path) -> None:
        self.store, self.log = store, log
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Until it is ready."""
        command = [sys.executable, "-m", "snapshelf", "serve", "--store", str(self.store), "--port", str(self._port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stderr=log, env=os.environ | {"SNAPSHELF_ADMIN_KEY": KEY, "SNAPSHELF_LOG_LEVEL": "warning"}
            )
        while self._process.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.address}/readyz", timeout=5):
                return
            time.sleep(0.05)
        sys.exit(f"The server ended; {self.log} says why.")

    def stop(self) -> float:
        """End it as an operator does; returns the seconds that took."""
        assert self._process
        started = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)
        return time.monotonic() - started

    def index_served(self) -> str:
        """The index that answers."""
        with urllib.request.urlopen(f"{self.address}/readyz", timeout=30) as answer:
            return str(json.load(answer)["index_id"])

    def indexes(self) -> set[str]:
        """Those that are on the disk."""
        return {path.parent.name for path in self.store.glob("index/[!.]*/card.json")}


class Sampler:
    """Notes every few seconds how the server is."""

    def __init__(self, server: Server, journal: Journal, outcomes: Outcomes) -> None:
        self._server, self._journal, self._outcomes = server, journal, outcomes
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Take no more samples."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(SAMPLE_EVERY_S):
            with contextlib.suppress(OSError):  # while it is started again, there is nothing to be sampled
                self._journal.write("sample", **self._sample())

    def _sample(self) -> dict[str, object]:
        process = Path(f"/proc/{self._server.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        handles = Counter(_kind(path) for path in (process / "fd").iterdir())
        took, counts, verdicts = self._outcomes.taken()
        with urllib.request.urlopen(f"{self._server.address}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        p50, p95, p99 = np.percentile(np.array(took) * 1000, [50, 95, 99]).round(1).tolist() if took else (0, 0, 0)
        return {
            "pid": self._server.pid,
            "rss_mb": _mb(status["VmRSS"]),
            "own_mb": _mb(status["RssAnon"]),
            "threads": int(status["Threads"]),
            "handles": sum(handles.values()),
            "files": handles["file"],
            "sockets": handles["socket"],
            "store_mb": round(_size(self._server.store) / 1e6, 2),
            "in_flight": _metric(metrics, "snapshelf_requests_in_flight"),
            "load": os.getloadavg()[0],
            "searches": len(took),
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "outcomes": counts,
            "verdicts": verdicts,
        }


def _mb(kilobytes: str) -> float:
    return round(int(kilobytes.split(maxsplit=1)[0]) / 1000, 2)


def _kind(handle: Path) -> str:
    with contextlib.suppress(OSError):
        target = str(handle.readlink())
        return "socket" if target.startswith("socket:") else "file" if target.startswith("/") else "other"
    return "gone"


def _size(folder: Path) -> int:
    """Bytes on the disk."""
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.stat(os.path.join(path, name)).st_blocks * 512  # noqa: PTH116, PTH118 (thousands of times)
    return total


def _metric(text: str, name: str) -> float:
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))
