"""The files with which a device recognises photos by itself. `GET /api/v1/store` names them."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from snapshelf.web.on_device import device_files
from snapshelf.web.state import State

router = APIRouter(include_in_schema=False)


@router.get("/on-device/{version}/{name}")
def on_device(state: State, version: str, name: str) -> FileResponse:
    """A file, in the version that is in use."""
    for file in device_files(state.store, state.shelf.model.id):
        if file.url == f"/on-device/{version}/{name}":
            headers = {"Cache-Control": "public, max-age=31536000, immutable"}
            if file.is_compressed:
                headers["Content-Encoding"] = "gzip"
            return FileResponse(file.path, media_type=file.media_type, headers=headers)
    raise HTTPException(404, f"There is no file {name!r} of version {version!r} here; GET /api/v1/store names them.")
