"""Memory that a long-lived server of many threads would hold for nothing."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa

_M_ARENA_MAX = -8
_NUM_ARENAS = 2


def share_arenas() -> None:
    """Let all threads take memory from two places; where the C library is not glibc, that is left to it.

    glibc gives each thread a place of its own, up to eight a core, and photos, models and indexes that come and go
    leave holes in all of them: after half an hour of everything a server held 470 MB, of which 250 were in use (by
    hand, with `malloc_info`). To be called before threads begin.
    """
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _NUM_ARENAS)


def give_back() -> None:
    """Let the C library and Arrow return what they hold for nothing, which takes milliseconds; likewise."""
    pa.default_memory_pool().release_unused()
    trim = _of_libc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_libc(name: str) -> ctypes._NamedFuncPointer | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
