"""The headers that keep browsers from doing what the page never needs."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The documentation page starts itself with a script inside the page; nothing on it comes from customers."""

_RECOGNISER_PATH = "/static/js/on-device-worker.js"
_RECOGNISER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
"""The worker that recognises photos on a device runs WebAssembly; the page itself may not."""

_FEATURES = (
    "camera=(self), accelerometer=(), autoplay=(), display-capture=(), encrypted-media=(), geolocation=(), "
    "gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()"
)


def security_headers(path: str) -> dict[str, str]:
    """Those of an answer at an address. Pictures of products may be shown by the store's other pages.

    What a page consists of goes without those that only documents heed: it has fifty files.
    """
    policies = {"/docs": _DOCS_POLICY, _RECOGNISER_PATH: _RECOGNISER_POLICY}
    is_picture = path.startswith("/api/") and path.endswith("/image")
    documents_only = {} if path.startswith("/static/") else {"Permissions-Policy": _FEATURES}
    return {
        "Content-Security-Policy": policies.get(path, _POLICY),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "cross-origin" if is_picture else "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    } | documents_only


class SecurityHeaders:
    """Adds them to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and dress the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(security_headers(scope["path"]))
            await send(message)

        await self.app(scope, receive, dressed)
