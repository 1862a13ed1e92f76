"""The opened store that answers, and its exchange for a newer one while requests go on.

`snapshelf index --replace` builds a new index beside the one in use and `snapshelf models use` names another model;
a server sees either within a second. What is under way is answered from the old one, which is closed after that.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator

from snapshelf.errors import SnapshelfError
from snapshelf.wiring import Shelf

LOOK_EVERY_S = 0.5

_log = logging.getLogger(__name__)


class Shelves:
    """The shelf in use. May be called from several threads."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = threading.Lock()
        self._leases: Counter[int] = Counter()
        self._replaced: dict[int, Shelf] = {}

    @property
    def in_use(self) -> Shelf:
        """The newest one. For longer than a glance, use `lease`."""
        return self._shelf

    @contextlib.contextmanager
    def lease(self) -> Iterator[Shelf]:
        """The shelf in use, which stays open until the block ends."""
        with self._lock:
            shelf = self._shelf
            self._leases[id(shelf)] += 1
        try:
            yield shelf
        finally:
            with self._lock:
                self._leases[id(shelf)] -= 1
                unused = self._unused(id(shelf))
            if unused is not None:
                unused.close()

    def replace(self, shelf: Shelf) -> None:
        """Let another one answer from now on; the old one is closed with the last request that uses it."""
        with self._lock:
            old, self._shelf = self._shelf, shelf
            self._replaced[id(old)] = old
            unused = self._unused(id(old))
        if unused is not None:
            unused.close()

    def close(self) -> None:
        """Close every shelf. None can be used afterwards."""
        with self._lock:
            shelves = [*self._replaced.values(), self._shelf]
            self._replaced.clear()
        for shelf in shelves:
            shelf.close()

    def _unused(self, key: int) -> Shelf | None:
        """A replaced shelf that nobody uses any more, handed out once."""
        if self._leases[key]:
            return None
        del self._leases[key]
        return self._replaced.pop(key, None)


class StoreWatch:
    """Looks twice a second whether the store has another model or index in use, and opens what it finds."""

    def __init__(
        self,
        shelves: Shelves,
        in_use: Callable[[], tuple[str, str]],
        reopen: Callable[[], Shelf],
        exchange: Callable[[Shelf], None],
    ) -> None:
        """Begin to look.

        Args:
            shelves: what is in use.
            in_use: the ids of the model and the index that should be.
            reopen: opens them.
            exchange: lets that answer.
        """
        self._shelves, self._in_use, self._reopen, self._exchange = shelves, in_use, reopen, exchange
        self._ended = threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._watch, name="store-watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        warned = ""
        while not self._ended.wait(LOOK_EVERY_S):
            trouble = self._look()
            # Said at the second look: between two steps of one command nothing fits.
            if trouble and trouble == self._trouble != warned:
                warned = trouble
                _log.warning("The store has another model or index in use, which cannot be opened: %s", trouble)
            self._trouble = trouble

    def _look(self) -> str:
        """Exchange the shelf if there is a newer one; returns why that failed, or nothing."""
        try:
            shelf = self._shelves.in_use
            if self._in_use() == (shelf.model.id, shelf.index_card.id):
                return ""
            opened = self._reopen()
        except (SnapshelfError, OSError) as error:
            return str(error)
        self._exchange(opened)
        _log.warning("Now serving the model %s with the index %s.", opened.model.id, opened.index_card.id)
        return ""
