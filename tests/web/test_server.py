"""The socket that customers come in on, and what the process holds beside the application."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from snapshelf.settings import Settings
from snapshelf.web import server
from snapshelf.web.server import _check_key, listen
from snapshelf.wiring import open_shelf
from tests.tiny_store import build_tiny_store


def test_answers_do_not_wait_to_be_joined() -> None:
    """What asyncio accepts on it has Nagle's algorithm off; with it, every answer took 40 ms more."""

    async def nodelay() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = listen("127.0.0.1", 0)
        server = await asyncio.start_server(answer, sock=listener)
        _, writer = await asyncio.open_connection(*listener.getsockname())
        value = await found
        writer.close()
        server.close()
        return value

    with ThreadPoolExecutor(1) as elsewhere:  # the browser tests leave a loop running in this thread
        assert elsewhere.submit(lambda: asyncio.run(nodelay())).result() != 0


@pytest.mark.parametrize(("key", "warns"), [("open-sesame", True), ("", False), (None, False), ("k" * 16, False)])
def test_a_key_that_can_be_guessed_is_warned_of_and_not_told(
    key: str | None, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    _check_key(Settings(admin_key=None if key is None else SecretStr(key)))
    assert ("can be guessed" in caplog.text) == warns
    assert not key or key not in caplog.text


def test_the_first_shelf_goes_when_another_one_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = build_tiny_store(tmp_path / "first"), build_tiny_store(tmp_path / "second")
    gone: list[bool] = []

    class Exchanging:
        """In uvicorn's place: while it runs, another shelf begins to answer."""

        def __init__(self, app: FastAPI) -> None:
            self.shelves = app.state.shelves

        def run(self, sockets: list[socket.socket]) -> None:
            before = weakref.ref(self.shelves.in_use.recommender)
            self.shelves.replace(open_shelf(second, Settings()))
            gc.collect()
            gone.append(before() is None and bool(sockets))
            self.shelves.close()

    monkeypatch.setattr(server, "uvicorn_server", Exchanging)
    for changes_the_process in ("keep_few_holes", "log_to_standard_error"):
        monkeypatch.setattr(server, changes_the_process, lambda *_: None)
    server.serve(first, Settings(threads=1), host="127.0.0.1", port=0)
    assert gone == [True]
