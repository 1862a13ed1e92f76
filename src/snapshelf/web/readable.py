"""Problems as pages, for those who came by a form and not by a program."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from snapshelf.imaging.heic import reads_heic
from snapshelf.web.pages import draw, words_of
from snapshelf.web.problems import MEDIA_TYPE
from snapshelf.web.words import Words

_PATHS = ("/results",)

_KINDS = {
    "bad-request-field": "bad-request",
    "gone": "expired",
    "heic-not-read": "heic",
    "not-a-photo": "not-a-picture",
    "photo-broken": "not-a-picture",
    "photo-too-many-bytes": "too-large",
    "photo-too-many-pixels": "too-large",
    "product-not-found": "gone",
    "request-timeout": "unreachable",
    "service-unavailable": "busy",
    "too-many-requests": "too-many",
}
"""What the page calls each kind of problem; others are «broken»."""

_HELPFUL = ("bad-request", "gone", "heic", "not-a-picture", "too-large")
"""Of these the page says the same without scripts."""


class ReadableProblems:
    """Turns the problem documents of some addresses, a crash's too, into pages with the form again."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back if it is no problem."""
        if scope["type"] != "http" or scope["path"] not in _PATHS:
            await self.app(scope, receive, send)
            return
        begun: Message | None = None

        async def held(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = message
            if begun is None or not _is_problem(begun):
                await send(message)

        try:
            await self.app(scope, receive, held)
        except Exception:
            if begun is None:
                await _page(scope, 500, {})(scope, receive, send)
            raise
        if begun is not None and _is_problem(begun):
            headers = MutableHeaders(raw=begun["headers"])
            kept = {name: headers[name] for name in ("Retry-After", "Connection", "Allow") if name in headers}
            await _page(scope, begun["status"], kept)(scope, receive, send)


def _is_problem(begun: Message) -> bool:
    return bool(MutableHeaders(raw=begun["headers"]).get("content-type") == MEDIA_TYPE)


def _page(scope: Scope, status: int, headers: dict[str, str]) -> HTMLResponse:
    app: FastAPI = scope["app"]
    request = Request(scope)
    words = words_of(request, request.query_params.get("language"))
    with app.state.shelves.lease() as shelf:
        name = shelf.config.name
    title, *sentences = _said(words, scope.get("state", {}).get("problem", ""), headers.get("Retry-After", ""))
    page = draw("problem.html", words, store_name=name, title=title, sentences=sentences)
    return HTMLResponse(page, status, headers | {"Content-Language": words.language, "Vary": "Accept-Language"})


def _said(words: Words, problem: str, retry_after: str) -> list[str]:
    """What happened, more of it where there is more to say, and what to do."""
    kind = _KINDS.get(problem, "broken")
    if kind == "expired":
        return [words("plain.expired.title"), words("plain.expired.help")]
    more = {"photo-too-many-pixels": "error.too-many-pixels", "photo-broken": "error.broken-photo"}.get(problem)
    return [words(f"error.{kind}.title"), *([words(more)] if more else []), _help(words, kind, retry_after)]


def _help(words: Words, kind: str, retry_after: str) -> str:
    if retry_after.isdigit():
        return words("plain.wait", count=int(retry_after))
    if kind == "not-a-picture" and reads_heic():
        return words("error.not-a-picture.help_heic")
    return words(f"error.{kind}.help") if kind in _HELPFUL else words("plain.again")
