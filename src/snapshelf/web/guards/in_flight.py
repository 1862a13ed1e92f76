"""How many requests that bring something may be under way at once."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from snapshelf.web.guards import WITH_BODY
from snapshelf.web.problems import problem
from snapshelf.web.telemetry import Telemetry

RETRY_AFTER_S = 1


class InFlight:
    """Answers 503 at once where as many requests are under way as may be. The body is thrown away as it comes, so that
    clients that send everything before they listen get to read the answer.

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
        if scope["type"] != "http" or scope["method"] not in WITH_BODY:
            await self.app(scope, receive, send)
            return
        if self.in_flight >= self.most:
            detail = f"{self.most} requests are being answered already. Try again in {RETRY_AFTER_S} s."
            refusal = problem(503, "service-unavailable", detail, {"Retry-After": str(RETRY_AFTER_S)})
            await refusal(scope, receive, send)
            return
        self.in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.in_flight -= 1
