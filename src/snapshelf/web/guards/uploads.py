"""How slowly a request's body may come."""

from __future__ import annotations

import asyncio
import time

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from snapshelf.web.guards import WITH_BODY

PAUSE_S = 10.0
"""How long nothing may come."""
PATIENCE_S = 30.0
"""How long it may come at any pace: on the slowest mobile networks, what the page makes of a photo."""
BYTES_PER_S = 16_000
"""What must have come, for each second after that."""


class UploadPace:
    """Cuts off bodies that pause or trickle, which would hold a place among the requests in flight."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 408 in the midst of it where its body does not come."""
        if scope["type"] != "http" or scope["method"] not in WITH_BODY:
            await self.app(scope, receive, send)
            return
        started, received, is_whole = time.monotonic(), 0, False

        async def paced() -> Message:
            nonlocal received, is_whole
            if is_whole:  # what is asked for then is whether the client has gone
                return await receive()
            waited_s = time.monotonic() - started
            if received < (waited_s - PATIENCE_S) * BYTES_PER_S:
                raise _too_slow(f"{received:,} bytes in {waited_s:.0f} s")
            try:
                async with asyncio.timeout(PAUSE_S):
                    message = await receive()
            except TimeoutError:
                raise _too_slow(f"nothing for {PAUSE_S:g} s") from None
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            return message

        await self.app(scope, paced, send)


def _too_slow(found: str) -> HTTPException:
    detail = f"The request came too slowly: {found}. Send it again, or a smaller photo."
    return HTTPException(408, detail, {"Connection": "close"})
