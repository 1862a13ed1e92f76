"""Memory that is free within the process, given back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Let the C library return what it holds for nothing; where it is not glibc, that is left to it.

    Large photos and models that were exchanged leave holes that glibc keeps: after half an hour of them a server held
    544 MB, and 371 after this (docs/soak.md). It takes milliseconds.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
