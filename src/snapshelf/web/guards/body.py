"""How large a request's body may be."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from snapshelf.web.problems import problem

_FORM_OVERHEAD_BYTES = 64 * 1024
"""What a multipart form adds to its photo."""

_DRAIN_FACTOR = 4
"""A body up to so many times the limit is read to its end and thrown away, so that ordinary clients, which send
everything before they listen, get to read the answer. A larger one is cut off."""


class BodyLimit:
    """Refuses bodies over a limit before they are parsed, also where no length was announced."""

    def __init__(self, app: ASGIApp, max_photo_bytes: int) -> None:
        self.app = app
        self.max_photo_bytes = max_photo_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        # In JSON a photo is base64, four characters for three bytes.
        is_form = headers.get("content-type", "").startswith("multipart/")
        allowed = self.max_photo_bytes * (1 if is_form else 4 / 3) + _FORM_OVERHEAD_BYTES
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced) > allowed:
            await self._refuse(scope, receive, send, int(announced))
            return
        await self._count(scope, receive, send, allowed)

    async def _count(self, scope: Scope, receive: Receive, send: Send, allowed: float) -> None:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > allowed:
                raise HTTPException(413, self._detail())  # the one kind of error that form parsers let through
            return message

        await self.app(scope, counted, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, num_bytes: int) -> None:
        left = self.max_photo_bytes * _DRAIN_FACTOR
        while left > 0 and num_bytes <= self.max_photo_bytes * _DRAIN_FACTOR:
            message = await receive()
            left -= len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body", False):
                break
        answer = problem(413, "photo-too-many-bytes", self._detail(), {"Connection": "close"})
        await answer(scope, receive, send)

    def _detail(self) -> str:
        return (
            f"The request has more than {self.max_photo_bytes:,} bytes, the most that a photo may have here. "
            "Send a smaller photo."
        )
