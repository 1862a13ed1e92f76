"""One process that serves one store, until it is told to end."""

from __future__ import annotations

import logging
import socket

import uvicorn
from fastapi import FastAPI

from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.artifacts.store import Store
from snapshelf.errors import ConfigError
from snapshelf.progress import console
from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.web.connections import GentleEnd, PromptHeads
from snapshelf.web.log import log_to_standard_error
from snapshelf.web.memory import keep_few_holes
from snapshelf.wiring import open_encoder, open_shelf

DRAIN_S = 30
"""How long the end waits for requests that are under way."""

_SAFE_KEY = 16
"""Characters of an admin key that nobody guesses, if they are random ones."""

_log = logging.getLogger(__name__)

_BACKLOG = 2048
"""Connections that may wait to be taken; uvicorn's own number."""


def serve(store: Store, settings: Settings, *, host: str, port: int, shadow: str | None = None) -> None:
    """Open the store and answer requests until SIGINT or SIGTERM, then those that are under way. Port 0 takes a free
    one.

    When another model or index is put in use meanwhile, that one answers within a second or so. `shadow` is the id of a
    model that looks at the photos beside the one that answers.

    Raises:
        ConfigError: the address cannot be listened on, or the shadow knows no categories.
        StoreError: the store has no model or no index that fits it.
    """
    keep_few_holes()
    listener = listen(host, port)
    try:
        beside = _shadow(store, settings, shadow) if shadow else None
        shelf = open_shelf(store, settings)
        log_to_standard_error(settings)
        listener.listen(_BACKLOG)  # before the address is told; who comes at once waits for a moment
        _check_key(settings)
        shown = f"[{host}]" if ":" in host else host
        console.print(
            f"{shelf.config.name} is at http://{shown}:{listener.getsockname()[1]} (Ctrl-C ends it)", markup=False
        )
        app = create_app(shelf, settings, store, shadow=beside)
        del shelf  # or the first one would be held, with its model and its index, when another answers
        uvicorn_server(app).run(sockets=[listener])
    finally:
        listener.close()


def _shadow(store: Store, settings: Settings, model_id: str) -> ModelEncoder:
    encoder = open_encoder(store, settings, model_id, num_threads=1)
    if not encoder.card.labels:
        raise ConfigError(f"The model {model_id} knows no categories, so it says nothing that could be compared.")
    return encoder


def _check_key(settings: Settings) -> None:
    num = len(settings.admin_key.get_secret_value()) if settings.admin_key else 0
    if 0 < num < _SAFE_KEY:
        _log.warning(
            "SNAPSHELF_ADMIN_KEY has %s characters, which can be guessed; take %s random ones or more.", num, _SAFE_KEY
        )


def uvicorn_server(app: FastAPI) -> uvicorn.Server:
    """The server of an application, which says nothing by itself and ends when what is under way is answered."""
    config = uvicorn.Config(
        app,
        http=PromptHeads,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
    )
    return GentleEnd(config)


def listen(host: str, port: int) -> socket.socket:
    """A socket at an address; port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Said to be TCP, or asyncio leaves Nagle's algorithm on, and answers after a connection's first take 40 ms more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"Cannot listen on {host}, port {port}: {error.strerror or error}. Choose another --port."
        ) from None
    return listener
