"""Errors as RFC 9457 problem documents: a stable `type`, and a `detail` that says what to do."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from snapshelf.errors import (
    HeicNotReadError,
    InputError,
    NotAPhotoError,
    PhotoError,
    PhotoTooManyBytesError,
    PhotoTooManyPixelsError,
    ProductNotFoundError,
    ReadOnlyStoreError,
    RequestError,
    SnapshelfError,
)
from snapshelf.web.headers import security_headers

MEDIA_TYPE = "application/problem+json"

_KINDS: tuple[tuple[type[SnapshelfError], int, str], ...] = (
    (PhotoTooManyBytesError, 413, "photo-too-many-bytes"),
    (PhotoTooManyPixelsError, 413, "photo-too-many-pixels"),
    (HeicNotReadError, 415, "heic-not-read"),
    (NotAPhotoError, 415, "not-a-photo"),
    (PhotoError, 422, "photo-broken"),
    (RequestError, 422, "bad-request-field"),
    (InputError, 422, "bad-input"),
    (ProductNotFoundError, 404, "product-not-found"),
    (ReadOnlyStoreError, 503, "store-read-only"),
)
"""The first class that an error is an instance of decides."""

_log = logging.getLogger("snapshelf.web")


class Problem(JSONResponse):
    """A problem document. It notes its kind beside the request, for the metrics and the log."""

    media_type = MEDIA_TYPE

    def __init__(self, status: int, kind: str, detail: str, headers: dict[str, str] | None) -> None:
        super().__init__(problem_body(status, kind, detail), status, headers)
        self.kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        scope.setdefault("state", {})["problem"] = self.kind
        await super().__call__(scope, receive, send)


def problem(status: int, kind: str, detail: str, headers: dict[str, str] | None = None) -> Problem:
    """A problem document. `kind` makes the stable `type`, `urn:snapshelf:problem:<kind>`."""
    return Problem(status, kind, detail, headers)


def problem_body(status: int, kind: str, detail: str) -> dict[str, str | int]:
    """What stands in it."""
    return {
        "type": f"urn:snapshelf:problem:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail.encode("utf-8", "backslashreplace").decode("utf-8"),  # half of a pair of UTF-16 is no text
    }


def add_problem_handlers(app: FastAPI) -> None:
    """Turn every error that reaches the app into a problem document."""
    app.add_exception_handler(SnapshelfError, _on_snapshelf_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_crash)


async def _on_snapshelf_error(_: Request, error: Exception) -> JSONResponse:
    for error_class, status, kind in _KINDS:
        if isinstance(error, error_class):
            return problem(status, kind, str(error))
    _log.error("The store failed while serving", exc_info=error)
    return problem(500, "store", "The store could not answer. The reason stands in the server's log.")


async def _on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this class only)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    if first["type"] == "missing":
        detail = f"The field {field!r} is missing. Send it as the API's documentation at /docs says."
    else:
        detail = (
            f"The field {field!r} is not as expected: {first['msg'].lower()}; found {_shortened(first.get('input'))}."
        )
    return problem(422, "bad-request-field", detail)


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this class only)
    detail = error.detail
    headers = dict(error.headers) if error.headers else {}
    status = error.status_code
    if status == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = f"Nothing is at {request.url.path}. The API's documentation is at /docs."
    if status == 405:
        headers["Allow"] = methods_at(request.app, request.url.path) or headers.get("Allow", "GET")
        detail = f"{request.method} is not possible here; {headers['Allow']} is. The API's documentation is at /docs."
    kind = "photo-too-many-bytes" if status == 413 else HTTPStatus(status).name.lower().replace("_", "-")
    return problem(status, kind, detail, headers)


def methods_at(app: FastAPI, path: str) -> str:
    """What may be done at an address, such as `GET, PUT`; empty where the API has nothing there.

    The router names the methods of the first route that fits only.
    """
    fitting = [
        (path_of_route.count("/"), methods)
        for path_of_route, methods in app.openapi()["paths"].items()
        if re.fullmatch(re.sub(r"\\{[^/]+\\}", ".+", re.escape(path_of_route)), path)
    ]
    if not fitting:
        return ""
    _, methods = max(fitting, key=lambda each: each[0])
    return ", ".join(sorted(method.upper() for method in methods))


async def _on_crash(request: Request, _: Exception) -> JSONResponse:
    # The last resort stands outside of everything else, so it dresses its answer itself.
    request_id = request.scope["state"]["request_id"]
    detail = f"The server failed on this request. The reason stands in its log, under {request_id}."
    headers = {**security_headers("/"), "X-Request-ID": request_id}
    if origin := request.scope["state"].get("allowed_origin"):
        headers |= {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    return problem(500, "internal", detail, headers)


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
