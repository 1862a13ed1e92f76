"""Connections on which no request comes, and those on which one comes while the server ends."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_S = 10.0
"""How long a connection may take to bring the head of a request, its first line and its headers."""

LAST_REQUESTS_S = 1.0
"""When the server ends, connections that stand may bring another request for so long."""


class GentleEnd(uvicorn.Server):
    """uvicorn's server, which by itself resets the connections that wait to be taken when it ends, and those whose
    request is on its way. Proxies may not send such a request to another server, unless they know that it is harmless.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take whoever waits, then nobody; answer, and say with each answer that it was the connection's last."""
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        await asyncio.sleep(0)
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        ends = time.monotonic() + LAST_REQUESTS_S
        while self.server_state.connections and time.monotonic() < ends:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)


class PromptHeads(AutoHTTPProtocol):  # type: ignore[misc,valid-type]  # chosen by uvicorn when it is imported
    """uvicorn's protocol, which by itself waits for the head of a request for as long as the connection stands."""

    _overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Wait on where a head is not whole yet."""
        super().data_received(data)
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering:
            self._stop_waiting()
        elif self._overdue is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._overdue = self.loop.call_later(HEAD_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _give_up(self) -> None:
        transport: Any = self.transport
        transport.close()
