"""A shop's own page on another origin: plain, with one script tag."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Files = dict[str, tuple[str, bytes]]
"""Path → media type and content."""

PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A plain shop</title>
<link rel="stylesheet" href="/shop.css">
</head>
<body>
<main>
<h1>Lamps and more</h1>
<p>Everything for the home.</p>
<script type="module" src="{script}"></script>
<snapshelf-search {attributes}><a href="{server}">Search by photo</a></snapshelf-search>
</main>
</body>
</html>"""

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 1100px; padding: 16px; font: 16px/1.5 Georgia, serif; }
"""


@contextlib.contextmanager
def shop(files: Files) -> Iterator[str]:
    """The origin of a shop that serves these files (path → media type and content) while the block runs.

    Args:
        files: changes of it are served at once.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            media_type, content = files.get(self.path.partition("?")[0], ("text/plain", b""))
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def shop_page(
    server: str, *, attributes: str = "", script: str | None = None, language: str = "en", policy: str = ""
) -> Files:
    """The files of a shop whose page searches at a server, under the shop's own Content-Security-Policy."""
    source = script or f"{server}/static/js/snapshelf-search.js"
    page = PAGE.format(server=server, script=source, attributes=attributes, language=language, policy=policy)
    return {"/": ("text/html", page.encode()), "/shop.css": ("text/css", STYLE.encode())}
