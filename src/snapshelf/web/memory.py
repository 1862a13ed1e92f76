"""Memory that a long-lived server of many threads would hold for nothing."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""The numbers of `malloc.h`."""

_LARGE_BYTES = 256 * 1024
_FREE_BYTES = 64 * 1024 * 1024
_NUM_ARENAS = 2


def keep_few_holes() -> None:
    """Let what is large have pages of its own, and all threads take the rest from two places; where the C library is
    not glibc, that is left to it. To be called before threads begin.

    glibc gives each thread a place of its own, up to eight a core, and once a large block was freed, the next ones of
    its size, up to 32 MB, come from there too. Photos, models and indexes that come and go left holes in all of them:
    after half an hour of everything a server held 470 MB, of which 250 were in use (by hand, with `malloc_info`). Two
    places alone left 100 MB of holes; with pages of its own for what is large, 30 were left.

    See <https://man7.org/linux/man-pages/man3/mallopt.3.html>.
    """
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _NUM_ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _FREE_BYTES)  # what it would rise to, were the other one not set


def give_back() -> None:
    """Let the C library and Arrow return what they hold for nothing, which takes milliseconds; likewise."""
    pa.default_memory_pool().release_unused()
    trim = _of_libc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_libc(name: str) -> ctypes._NamedFuncPointer | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
