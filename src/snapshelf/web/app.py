"""The web application: routes, guards, error handling, put together for one opened store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI, Response
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.staticfiles import StaticFiles
from fastapi_swagger import patch_fastapi
from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from snapshelf import __version__
from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.adapters.sqlite_changes import SqliteChanges
from snapshelf.adapters.sqlite_feedback import SqliteFeedback
from snapshelf.artifacts.store import Store
from snapshelf.settings import Settings
from snapshelf.web.cors import PublicCors
from snapshelf.web.drift import LEAST_PAUSE_S, DriftGauges, DriftWatch, DriftWindow
from snapshelf.web.guards.body import BodyLimit
from snapshelf.web.guards.in_flight import InFlight
from snapshelf.web.guards.rate import RateLimit
from snapshelf.web.guards.uploads import UploadPace
from snapshelf.web.headers import SecurityHeaders
from snapshelf.web.history import History
from snapshelf.web.log import RequestLog
from snapshelf.web.openapi import describe, operation_id
from snapshelf.web.pages import TEMPLATES
from snapshelf.web.photo_work import PhotoWork
from snapshelf.web.problems import add_problem_handlers
from snapshelf.web.product_changes import ProductChanges
from snapshelf.web.readable import ReadableProblems
from snapshelf.web.routes import admin, feedback, installed, on_device, page, products, recommendations, results
from snapshelf.web.shadow import Shadow
from snapshelf.web.shell import read_shell
from snapshelf.web.shelves import Shelves, StoreWatch
from snapshelf.web.state import ServerState
from snapshelf.web.telemetry import RequestTelemetry, Telemetry
from snapshelf.web.upkeep import keep_up
from snapshelf.wiring import Shelf, reopen_shelf

_log = logging.getLogger("snapshelf.web")


class _RevalidatedFiles(StaticFiles):
    """The page's files, asked for again (by ETag) at each visit, so that an upgrade never mixes old and new ones."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or that it has not changed."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def create_app(
    shelf: Shelf, settings: Settings, store: Store | None = None, *, shadow: ModelEncoder | None = None
) -> FastAPI:
    """The application that serves an opened store. It closes the store when the server ends.

    Args:
        shelf: the store, opened.
        settings: limits and keys.
        store: where to look for newer models and indexes; None serves this shelf to the end.
        shadow: another model, with labels, that looks at the photos beside the one that answers.
    """
    telemetry = Telemetry()
    work = PhotoWork(settings.num_threads, telemetry)
    queue = SqliteFeedback(shelf.feedback_path) if os.access(shelf.feedback_path.parent, os.W_OK) else None
    if queue is None:
        _log.warning("The store may only be read from here: feedback and changes are refused.")
    beside = Shadow(shadow, telemetry) if shadow else None
    window = DriftWindow(LEAST_PAUSE_S)
    telemetry.registry.register(DriftGauges(window))
    shelves = Shelves(shelf)
    changes = ProductChanges(shelves, SqliteChanges(store.changes_path) if store and queue else None)
    state = ServerState(settings, queue, telemetry, work, History(telemetry, window), changes, store, beside, window)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watch = (
            StoreWatch(shelves, store.in_use, lambda: reopen_shelf(store, settings, shelves.in_use), changes.exchange)
            if store
            else None
        )
        drift = DriftWatch(window, shelves, store) if store else None
        upkeep = asyncio.create_task(keep_up(state, drift))
        yield
        upkeep.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await upkeep
        if watch:
            await run_in_threadpool(watch.end)
        await run_in_threadpool(state.work.close)
        if state.shadow:
            await run_in_threadpool(state.shadow.close)
        if queue:
            queue.close()
        changes.close()
        shelves.close()

    app = FastAPI(
        title="snapshelf",
        version=__version__,
        summary="A photo in, the store's products out.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        generate_unique_id_function=operation_id,
        form_limits={"max_fields": 64, "max_files": 1, "max_part_size": 16_384},
    )
    app.state.server, app.state.shelves = state, shelves
    app.state.shell = read_shell(page.STATIC, TEMPLATES)
    add_problem_handlers(app)
    for router in (
        recommendations.router,
        feedback.router,
        products.router,
        admin.router,
        page.router,
        results.router,
        installed.router,
        on_device.router,
    ):
        app.include_router(router)
    describe(app)
    patch_fastapi(app, redirect_from_root_to_docs=False)
    app.mount("/static", GZipMiddleware(_RevalidatedFiles(directory=page.STATIC)), name="static")
    _add_guards(app, state)
    return app


def _add_guards(app: FastAPI, state: ServerState) -> None:
    """The last one added stands outermost."""
    app.add_middleware(BodyLimit, max_photo_bytes=state.settings.max_upload_bytes)
    app.add_middleware(UploadPace)
    app.add_middleware(InFlight, most=state.settings.max_in_flight, telemetry=state.telemetry)
    if state.settings.rate_limit:
        app.add_middleware(RateLimit, per_minute=state.settings.rate_limit)
    app.add_middleware(ReadableProblems)
    if state.settings.allowed_origins:
        app.add_middleware(PublicCors, origins=state.settings.allowed_origins)
    app.add_middleware(RequestTelemetry, telemetry=state.telemetry)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog)
