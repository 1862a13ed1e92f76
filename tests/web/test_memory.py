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
