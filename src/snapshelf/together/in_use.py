"""What was learnt from orders, as the store has it now: a server follows when orders are read again or removed."""

from __future__ import annotations

import logging
import threading

from snapshelf.artifacts.store import Store
from snapshelf.errors import StoreError
from snapshelf.together.bought_together import BoughtTogether

_log = logging.getLogger(__name__)


class OrdersInUse:
    """Opens what the store names, anew only when that changes. May be asked from several threads."""

    def __init__(self, store: Store) -> None:
        """Open what is in use.

        Raises:
            StoreError: it is broken, or of a newer schema.
        """
        self._store = store
        self._lock = threading.Lock()
        self._seen = self._id_in_use()
        self._known = BoughtTogether.open(store.folder("together", self._seen)) if self._seen else None

    def latest(self) -> BoughtTogether | None:
        """What is known; None where the store gave no orders. One that cannot be opened leaves the one before it."""
        with self._lock:
            try:
                in_use = self._id_in_use()
                if in_use != self._seen:
                    self._seen = in_use
                    self._known = BoughtTogether.open(self._store.folder("together", in_use)) if in_use else None
            except (StoreError, OSError) as error:
                _log.warning("What was learnt from orders cannot be opened: %s", error)
            return self._known

    def _id_in_use(self) -> str | None:
        return self._store.current("together").name if self._store.has_current("together") else None
