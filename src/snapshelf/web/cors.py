"""Which other sites' scripts may read answers (CORS): those of the shops that the operator names, on public routes."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from snapshelf.web.log import REQUEST_ID

_PUBLIC = re.compile(r"/static/|/api/v1/(?!admin(/|$))")
_METHODS = ("GET", "HEAD", "POST")
_ASK_AGAIN_S = 600


class PublicCors:
    """Lets the named origins read the public routes, by methods that change no product, without cookies or keys.

    To all others the server answers as if this were not here: browsers keep the answer from their scripts.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self.app = app
        self.origins = origins
        self.allowing = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=("Content-Type", REQUEST_ID),
            expose_headers=("Retry-After", REQUEST_ID),
            max_age=_ASK_AGAIN_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell browsers who may read the answer."""
        if scope["type"] != "http" or not _PUBLIC.match(scope["path"]):
            await self.app(scope, receive, send)
            return

        async def varied(message: Message) -> None:
            if message["type"] == "http.response.start":
                # To caches, too: what was kept for one origin is not for another, nor for none.
                headers = MutableHeaders(scope=message)
                if "Origin" not in headers.get("Vary", ""):
                    headers.add_vary_header("Origin")
            await send(message)

        asked = Headers(scope=scope)
        if not self._is_allowed(asked, scope["method"]):
            await self.app(scope, receive, varied)
            return
        scope.setdefault("state", {})["allowed_origin"] = asked["origin"]  # a crash is answered outside of this
        await self.allowing(scope, receive, varied)

    def _is_allowed(self, headers: Headers, method: str) -> bool:
        if method == "OPTIONS":  # the browser asks beforehand
            method = headers.get("access-control-request-method", "")
        return headers.get("origin", "") in self.origins and method in _METHODS
