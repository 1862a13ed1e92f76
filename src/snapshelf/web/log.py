"""What a server writes to standard error: a JSON object a line, each with the id of the request that it is about."""

from __future__ import annotations

import contextvars
import json
import logging
import re
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from snapshelf.settings import Settings
from snapshelf.web.telemetry import method_of, route_of

REQUEST_ID = "X-Request-ID"

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_USUAL = re.compile(r"/static/|/healthz$|/readyz$|/metrics$|/favicon|.*/image$|/api/v1/samples/")
"""What is asked for by the dozen and says nothing about customers."""

_as_json = json.JSONEncoder(ensure_ascii=False, default=str).encode

_request_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("request_id", default=None)
_log = logging.getLogger("snapshelf.requests")


class JsonLines(logging.Formatter):
    """A record as one JSON object: `time`, `level`, `logger`, `message`, `request_id`, `error` with its traceback, and
    the fields that the record was given as `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := _request_id.get():
            line["request_id"] = request_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return _as_json(line)


def log_to_standard_error(settings: Settings) -> None:
    """Send the logs of this process, uvicorn's with them, to standard error as JSON lines."""
    level = settings.log_level or ("warning" if sys.stderr.isatty() else "info")
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("snapshelf").setLevel(level.upper())


class RequestLog:
    """Gives every request an id, which its answer carries, and notes how it ended. Neither addresses of customers nor
    anything that they sent is written down.

    An id that comes with the request (`X-Request-ID`, as proxies send it) is kept.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        token = _request_id.set(request_id)
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 500

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self.app(scope, receive, marked)
        except Exception as error:
            error.add_note(f"Of the request {request_id}.")  # logged by those outside of this
            raise
        finally:
            self._note(scope, status, time.perf_counter() - started)
            _request_id.reset(token)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        level = logging.DEBUG if status < 400 and _USUAL.match(scope["path"]) else logging.INFO
        fields = {
            "method": method_of(scope),
            "route": route_of(scope),
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        if problem := scope.get("state", {}).get("problem"):
            fields["problem"] = problem
        _log.log(level, "answered", extra={"fields": fields})
