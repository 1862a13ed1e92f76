"""Does any file crash, stall or bloat the decoder?

    python -m tests.fuzz [--inputs 12000] [--http 600] [--seed 1]

Decodes as many damaged files, spread over every kind that is read, in a process of its own; then the hostile ones at
the largest size that is accepted; then sends a share of both to the whole application. Prints what came of them, the
slowest, how the memory grew and what decoders wrote to standard error. Fails where a process died, an error was not a
`PhotoError` or was a 5xx, or one file took more than 2 s of the processor or filled the log.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from fastapi.testclient import TestClient

from snapshelf.errors import PhotoError
from snapshelf.imaging.decode import DecodeLimits, decode
from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.wiring import open_shelf
from tests.fuzz.hostile import HOSTILE, HOSTILE_HEIC
from tests.fuzz.mutations import honest_files, some_mutations
from tests.tiny_store import build_tiny_store

LIMIT_S = 2.0
LIMIT_LOG_BYTES = 20_000
LARGEST_BYTES = 19_900_000
_DIED = "the process died"

SETTLED = 500
"""After so many files the process has its size."""

Named = tuple[str, bytes]


@dataclass
class Report:
    """What came of one part."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    loudest: tuple[int, str] = (0, "")
    grown_mib: float | None = None
    hungriest: tuple[float, str] = (0.0, "")
    faults: list[str] = field(default_factory=list)

    def print(self, title: str) -> None:
        """Three lines."""
        listed = ", ".join(f"{number:,} {outcome}" for outcome, number in self.outcomes.most_common())
        grown = "" if self.grown_mib is None else f", {self.grown_mib:+.0f} MiB since the {SETTLED}th"
        print(f"{title}: {sum(self.outcomes.values()):,}: {listed}")
        print(f"  slowest {self.slowest[0]:.2f} s ({self.slowest[1]}); most logged {self.loudest[0]} bytes")
        print(f"  most memory for one {self.hungriest[0]:.0f} MiB ({self.hungriest[1]}){grown}", flush=True)


def main() -> int:
    """Print the three parts; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--inputs", type=int, default=12_000)
    parser.add_argument("--http", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    faults = [
        *_part("damaged files", _decode_damaged, wanted.seed, wanted.inputs),
        *_part("hostile files", _decode_hostile, wanted.seed, 0),
        *_part("over HTTP", _send_all, wanted.seed, wanted.http),
    ]
    print(f"{len(faults)} faults", *faults, sep="\n  ")
    return 1 if faults else 0


def damaged_files(seed: int, count: int) -> Iterator[Named]:
    """So many in all, every kind in its turn."""
    files = honest_files()
    streams = [(name, some_mutations(data, seed, count)) for name, data in files.items()]
    for number in range(count):
        name, stream = streams[number % len(streams)]
        yield f"{name} {seed}:{number // len(streams)}", next(stream)


def hostile_files(budget: int) -> Iterator[Named]:
    """Those that are written on purpose, HEIC where it is read."""
    all_files = HOSTILE | (HOSTILE_HEIC if "HEIC" in honest_files() else {})
    return ((name, make(budget)) for name, make in all_files.items())


class _Tally:
    """What came of the files of one part; standard error goes into a file of its own meanwhile."""

    def __init__(self, talk: Connection) -> None:
        self._talk = talk
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the process)
        os.dup2(self._log.fileno(), sys.stderr.fileno())
        self._report = Report()
        self._early_mib = self._before_mib = 0.0
        self._logged_bytes = 0

    def begin(self, name: str) -> None:
        """Say which file is next, in case that it is the last one."""
        self._talk.send(name)
        if sum(self._report.outcomes.values()) == SETTLED:
            gc.collect()
            self._early_mib = _memory_mib("VmRSS")
        _forget_peak()
        self._before_mib = _memory_mib("VmRSS")

    def note(self, name: str, outcome: str, seconds: float, *, is_fault: bool) -> None:
        """What came of it."""
        report, before = self._report, self._logged_bytes
        self._logged_bytes = os.fstat(self._log.fileno()).st_size
        report.outcomes[outcome] += 1
        report.slowest = max(report.slowest, (seconds, name))
        report.hungriest = max(report.hungriest, (_memory_mib("VmHWM") - self._before_mib, name))
        report.loudest = max(report.loudest, (self._logged_bytes - before, name))
        if is_fault or seconds > LIMIT_S or self._logged_bytes - before > LIMIT_LOG_BYTES:
            report.faults.append(f"{name}: {outcome}, {seconds:.1f} s, {self._logged_bytes - before} bytes logged")

    def end(self) -> None:
        """Report to the parent."""
        gc.collect()
        self._report.grown_mib = _memory_mib("VmRSS") - self._early_mib if self._early_mib else None
        self._talk.send(self._report)


def _part(title: str, work: Callable[[Connection, int, int], None], seed: int, count: int) -> list[str]:
    """Run one part in a new process and print what it reports."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=work, args=(there, seed, count))
    process.start()
    there.close()
    last = ""
    while True:
        try:
            said = here.recv()
        except EOFError:
            process.join()
            return [f"{last}: {_DIED} ({process.exitcode})"]
        if isinstance(said, Report):
            process.join()
            said.print(title)
            return said.faults
        last = said


def _decode_damaged(talk: Connection, seed: int, count: int) -> None:
    _decode_all(talk, damaged_files(seed, count))


def _decode_hostile(talk: Connection, _: int, __: int) -> None:
    _decode_all(talk, hostile_files(LARGEST_BYTES))


def _decode_all(talk: Connection, files: Iterator[Named]) -> None:
    tally = _Tally(talk)
    for name, data in files:
        tally.begin(name)
        started = time.process_time()
        try:
            decode(data, DecodeLimits(), needed_px=224)
            outcome, is_fault = "decoded", False
        except PhotoError as error:
            outcome, is_fault = type(error).__name__, False
        except BaseException as error:  # whatever it is, it is what is looked for here
            outcome, is_fault = repr(error), True
        tally.note(name, outcome, time.process_time() - started, is_fault=is_fault)
    tally.end()


def _send_all(talk: Connection, seed: int, count: int) -> None:
    tally = _Tally(talk)
    settings = Settings(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        shelf = open_shelf(build_tiny_store(Path(folder)), settings)
        with TestClient(create_app(shelf, settings), raise_server_exceptions=False) as client:
            for name, data in [*damaged_files(seed + 1, count), *hostile_files(LARGEST_BYTES)]:
                tally.begin(name)
                started = time.process_time()
                status = client.post("/api/v1/recommendations", files={"photo": data}).status_code
                seconds = time.process_time() - started
                tally.note(name, str(status), seconds, is_fault=status >= 500)
    tally.end()


def _forget_peak() -> None:
    """Let `VmHWM` begin anew, where Linux allows it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")


def _memory_mib(field: str) -> float:
    """`VmRSS`, what the process holds, or `VmHWM`, the most it ever held; 0 where there is no /proc."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


if __name__ == "__main__":
    sys.exit(main())
