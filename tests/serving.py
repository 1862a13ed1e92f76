"""A real server on loopback."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from snapshelf.artifacts.store import Store
from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.web.server import listen, uvicorn_server
from snapshelf.wiring import Shelf


@contextlib.contextmanager
def served(shelf: Shelf, settings: Settings, port: int = 0, store: Store | None = None) -> Iterator[str]:
    """The address of an opened store while the block runs."""
    listener = listen("127.0.0.1", port)
    server = uvicorn_server(create_app(shelf, settings, store))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
