"""A process that is killed while it writes, as by a power cut."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from snapshelf.gallery import EmbeddedPhoto, Gallery
from snapshelf.pipelines import index_photos

NUM_WRITTEN = 64


def die_at_the_second_write() -> None:
    """Let the first `NUM_WRITTEN` photos of an index be written; the next ones end this process."""
    index_photos.WRITE_BATCH = NUM_WRITTEN
    write, num_writes = Gallery.add, 0

    def add(self: Gallery, photos: Sequence[EmbeddedPhoto]) -> None:
        nonlocal num_writes
        num_writes += bool(photos)
        if num_writes == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        write(self, photos)

    Gallery.add = add  # type: ignore[method-assign]
