"""The page itself, what it needs before the first photo, and what watches the server."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse

from snapshelf.web.on_device import device_files
from snapshelf.web.pages import PageWords, draw, page_response
from snapshelf.web.routes.products import count_by_category
from snapshelf.web.state import RequestState, State
from snapshelf.web.store_schemas import DeviceFileOut, OnDeviceOut, SampleOut, StoreOut

STATIC = Path(__file__).parents[1] / "static"

router = APIRouter()


@router.get("/", include_in_schema=False)
def index(request: Request, state: State, words: PageWords, like: str = "") -> Response:
    """The customers' page. What stands in a shared address is read by its scripts; `like` works without them, too."""
    page = draw("index.html", words, store_name=state.shelf.config.name, like=like)
    return page_response(request, words, page)


@router.get("/admin", include_in_schema=False)
def staff(request: Request, state: State, words: PageWords) -> Response:
    """The staff's page. It holds nothing of the store but its name: what it shows is asked for with the admin key."""
    return page_response(request, words, draw("admin.html", words, store_name=state.shelf.config.name))


@router.get("/privacy", include_in_schema=False)
def privacy(request: Request, state: State, words: PageWords) -> Response:
    """What happens to a customer's photo."""
    return page_response(request, words, draw("privacy.html", words, feedback_days=state.settings.feedback_days))


@router.get("/favicon.ico", include_in_schema=False)
def favicon() -> FileResponse:
    """The icon, for browsers that ask without reading the page."""
    return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")


@router.get("/api/v1/store", response_model=StoreOut, tags=["store"])
def store(state: State) -> StoreOut:
    """The store's name and colour, its categories, and photos to try."""
    shelf = state.shelf
    has_prices, has_stock = has_prices_and_stock(state)
    return StoreOut(
        name=shelf.config.name,
        accent=shelf.config.page.accent,
        max_upload_bytes=state.settings.max_upload_bytes,
        samples=[
            SampleOut(label=sample.label, url=f"/api/v1/samples/{number}")
            for number, sample in enumerate(shelf.samples)
        ],
        categories=count_by_category(state),
        has_prices=has_prices,
        has_stock=has_stock,
        has_orders=shelf.orders.latest() is not None,
        feedback_days=state.settings.feedback_days,
        on_device=_on_device(state),
    )


def _on_device(state: RequestState) -> OnDeviceOut | None:
    model_id = state.shelf.model.id
    files = device_files(state.store, model_id)
    return (
        OnDeviceOut(model_id=model_id, files=[DeviceFileOut.model_validate(file) for file in files]) if files else None
    )


def has_prices_and_stock(state: RequestState) -> tuple[bool, bool]:
    """Whether the store says what its products cost, and whether they are there."""
    first = state.shelf.index.products(offset=0, limit=50)
    return any(each.price is not None for each in first), any(each.in_stock is not None for each in first)


@router.get(
    "/api/v1/samples/{number}",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}}}},
    tags=["store"],
)
def sample(state: State, number: int) -> FileResponse:
    """A photo to try, by its place in the store's list."""
    if not 0 <= number < len(state.shelf.samples):
        raise HTTPException(404, f"There is no sample {number}; the store has {len(state.shelf.samples)}.")
    return FileResponse(state.shelf.samples[number].path, headers={"Cache-Control": "public, max-age=300"})


@router.get("/healthz", tags=["operations"])
def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


@router.get("/readyz", tags=["operations"])
def readyz(state: State) -> dict[str, str]:
    """Model and index are loaded."""
    return {"status": "ready", "model_id": state.shelf.model.id, "index_id": state.shelf.index_card.id}


@router.get("/metrics", tags=["operations"], response_class=PlainTextResponse)
def metrics(state: State) -> PlainTextResponse:
    """Counters and latencies for Prometheus."""
    return PlainTextResponse(state.telemetry.exposition(), media_type="text/plain; version=0.0.4")
