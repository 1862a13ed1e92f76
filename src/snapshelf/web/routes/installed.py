"""What a browser needs to install the page on a device: its manifest, its icons, and the script that keeps it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from snapshelf.web.icons import icon_png
from snapshelf.web.pages import PageWords
from snapshelf.web.shell import Shell
from snapshelf.web.state import State

_ICONS = {"180": (180, True), "192": (192, False), "512": (512, False), "maskable-512": (512, True)}
"""Name → pixels a side, and whether the ground fills the square. 180 is for iOS, which rounds it."""

_PAGE_COLOUR = "#f8f8f6"

router = APIRouter(include_in_schema=False)


@router.get("/manifest.webmanifest")
def manifest(state: State, words: PageWords) -> JSONResponse:
    """The web app manifest: the store's name, colour and icons, in the reader's language."""
    config = state.shelf.config
    found: dict[str, Any] = {
        "id": "/",
        "name": config.name,
        "short_name": config.name if len(config.name) <= 12 else config.name.partition(" ")[0][:12],
        "description": words("page.description"),
        "lang": words.language,
        "dir": words.direction,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "theme_color": config.page.accent,
        "background_color": _PAGE_COLOUR,
        "icons": [_icon(name) for name in _ICONS if name != "180"],
    }
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Language"}
    return JSONResponse(found, media_type="application/manifest+json", headers=headers)


def _icon(name: str) -> dict[str, str]:
    side, is_maskable = _ICONS[name]
    purpose = "maskable" if is_maskable else "any"
    return {"src": f"/icons/{name}.png", "sizes": f"{side}x{side}", "type": "image/png", "purpose": purpose}


@router.get("/icons/{name}.png")
def icon(state: State, name: str) -> Response:
    """The icon in one of its sizes, in the store's colour."""
    if name not in _ICONS:
        raise HTTPException(404, f"There is no icon {name!r}; there are {', '.join(_ICONS)}.")
    size_px, maskable = _ICONS[name]
    content = icon_png(size_px, state.shelf.config.page.accent, maskable=maskable)
    return Response(content, media_type="image/png", headers={"Cache-Control": "public, max-age=3600"})


@router.get("/service-worker.js")
def service_worker(request: Request) -> Response:
    """The script that keeps the page on the device. It stands at the root, since it may keep what lies below it."""
    shell: Shell = request.app.state.shell
    return Response(shell.service_worker, media_type="text/javascript", headers={"Cache-Control": "no-cache"})
