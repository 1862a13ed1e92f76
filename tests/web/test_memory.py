"""Memory that is free goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

from snapshelf.web.memory import give_back

_HOLES = """
from snapshelf.web.memory import give_back

def held_mb():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

blocks = [bytearray(60_000) for _ in range(2_000)]
blocks[1:-1] = []
before = held_mb()
give_back()
print(before - held_mb())
"""

_LARGE = """
from snapshelf.web.memory import keep_few_holes

def held_mb():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

keep_few_holes()
del (first := [bytearray(20_000_000)])[:]  # by itself, glibc would take the next ones of its size from the heap
blocks = [bytearray(20_000_000) for _ in range(3)]
above = bytearray(100_000)
before = held_mb()
del blocks
print(before - held_mb())
"""

_ARROW = """
import ctypes
import io
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from snapshelf.web.memory import give_back

def held_mb():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

numbers = np.random.default_rng(0).random(1_000_000, np.float32)
pq.write_table(pa.table({"number": numbers}), file := io.BytesIO())
with ThreadPoolExecutor(4) as threads:
    for _ in range(5):
        list(threads.map(lambda _: len(pq.read_table(io.BytesIO(file.getvalue()))), range(4)))
    ctypes.CDLL(None).malloc_trim(0)  # what is left is Arrow's own
    before = held_mb()
    give_back()
    print(before - held_mb(), pa.default_memory_pool().backend_name)
"""


def test_it_does_no_harm() -> None:
    give_back()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_what_is_free_between_blocks_in_use_is_given_back() -> None:
    found = subprocess.run([sys.executable, "-c", _HOLES], capture_output=True, text=True, check=True)
    assert float(found.stdout) > 50


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_large_blocks_go_at_once() -> None:
    found = subprocess.run([sys.executable, "-c", _LARGE], capture_output=True, text=True, check=True)
    assert float(found.stdout) > 50


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
def test_what_arrow_holds_for_nothing_is_given_back() -> None:
    found = subprocess.run([sys.executable, "-c", _ARROW], capture_output=True, text=True, check=True)
    mb, pool = found.stdout.split()
    assert pool == "mimalloc"
    assert float(mb) > 10
