"""How many requests that bring something may be under way at once."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from snapshelf.web.problems import problem
from snapshelf.web.telemetry import Telemetry

RETRY_AFTER_S = 1


class InFlight:
    """Answers 503 at once, without reading the body, where as many requests are under way as may be.

    So the server's memory is bounded, and who is let in is answered soon. Requests without a body are not counted: they
    cost little, and the page of those who wait needs them.
    """

    def __init__(self, app: ASGIApp, most: int, telemetry: Telemetry) -> None:
        self.app = app
        self.most = most
        self.in_flight = 0
        telemetry.in_flight.set_function(lambda: self.in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503 with the seconds to wait."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        if self.in_flight >= self.most:
            await busy(f"{self.most} requests are being answered already")(scope, receive, send)
            return
        self.in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.in_flight -= 1


def busy(why: str) -> ASGIApp:
    """The answer to who comes when there is too much to do. The rest of a body is thrown away as it comes, so that
    clients that send everything before they listen get to read it."""
    detail = f"The server is busy: {why}. Try again in {RETRY_AFTER_S} s."
    return problem(503, "service-unavailable", detail, {"Retry-After": str(RETRY_AFTER_S)})
