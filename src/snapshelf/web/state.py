"""What the routes share while a server runs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from snapshelf.adapters.sqlite_feedback import SqliteFeedback
from snapshelf.artifacts.store import Store
from snapshelf.errors import ReadOnlyStoreError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.settings import Settings
from snapshelf.web.drift import DriftWindow
from snapshelf.web.history import History
from snapshelf.web.looks import RecentLooks
from snapshelf.web.photo_work import PhotoWork
from snapshelf.web.product_changes import ProductChanges
from snapshelf.web.shadow import Shadow
from snapshelf.web.shelves import Shelves
from snapshelf.web.telemetry import Telemetry
from snapshelf.wiring import Shelf


class RecentAnswers:
    """What was said under the last request ids, so that feedback can be kept beside it. Holds no photos."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._labels: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, request_id: str, label: str) -> None:
        """Keep the label that a request was answered with; the oldest is forgotten."""
        with self._lock:
            self._labels[request_id] = label
            if len(self._labels) > self._capacity:
                self._labels.popitem(last=False)

    def label(self, request_id: str) -> str | None:
        """The label, or None where the request is unknown or long ago."""
        with self._lock:
            return self._labels.get(request_id)


@dataclass(frozen=True)
class ServerState:
    """One running server: what happens around the opened store, whichever shelf that is.

    It holds no shelf itself: one that was replaced must go, with its model and its index.
    """

    settings: Settings
    queue: SqliteFeedback | None
    """What customers said; None where the store may only be read."""
    telemetry: Telemetry
    work: PhotoWork
    history: History
    changes: ProductChanges
    store: Store | None = None
    """Where other models are; None where this shelf is served to the end."""
    shadow: Shadow | None = None
    """Another model that looks, too."""
    drift: DriftWindow = field(default_factory=DriftWindow)
    """Whether photos are still as usual."""
    recent: RecentAnswers = field(default_factory=RecentAnswers)
    looks: RecentLooks = field(default_factory=RecentLooks)

    @property
    def feedback(self) -> SqliteFeedback:
        """What customers said.

        Raises:
            ReadOnlyStoreError: it cannot be kept here.
        """
        if self.queue is None:
            raise ReadOnlyStoreError(
                "The store may only be read from here: send feedback and changes to a server that may write it."
            )
        return self.queue

    def check_writable(self) -> None:
        """Before products or the model in use are changed.

        Raises:
            ReadOnlyStoreError: the store may only be read.
        """
        _ = self.feedback

    @property
    def limits(self) -> DecodeLimits:
        """What is refused of any photo."""
        return DecodeLimits.of(self.settings)


@dataclass(frozen=True, kw_only=True)
class RequestState(ServerState):
    """The server, as one request finds it: with the shelf that answers it, which stays open until it is answered."""

    shelf: Shelf


async def _state(request: Request) -> AsyncIterator[RequestState]:
    server: ServerState = request.app.state.server
    shelves: Shelves = request.app.state.shelves
    with shelves.lease() as shelf:
        yield RequestState(**vars(server), shelf=shelf)


State = Annotated[RequestState, Depends(_state)]
