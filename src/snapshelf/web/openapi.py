"""The typed description of the API: what FastAPI finds in the routes, with every problem and examples added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from snapshelf.web.examples import ANSWERS, PROBLEMS, QUERIES, REQUESTS
from snapshelf.web.problems import MEDIA_TYPE, problem_body
from snapshelf.web.schemas import ProblemOut

Operation = dict[str, Any]

_DESCRIPTION = """\
Every error is a problem document (RFC 9457) with a stable `type`; its `detail` says what was found, what was expected
and what to do. Paths begin with the API's version: within `/api/v1` fields may be added, none is taken away or changes
its meaning."""


def operation_id(route: APIRoute) -> str:
    """Routes by the name of their function, which generated clients take over."""
    return route.name


def describe(app: FastAPI) -> None:
    """Let `/openapi.json` show the whole of it."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _described(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=_DESCRIPTION, routes=app.routes
    )
    schemas = document["components"]["schemas"]
    schemas["ProblemOut"] = ProblemOut.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for name in _forms(document):
        _drop_null(schemas[name]["properties"].values())
    for method, path, operation in _operations(document):
        _drop_null(parameter["schema"] for parameter in operation.get("parameters", []))
        _add_problems(path, operation)
        _add_examples(f"{method.upper()} {path}", operation)
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def _forms(document: dict[str, Any]) -> Iterator[str]:
    for _, _, operation in _operations(document):
        form = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data")
        if form is not None:
            yield form["schema"]["$ref"].rpartition("/")[2]


def _drop_null(schemas: Iterable[dict[str, Any]]) -> None:
    """In forms and addresses a field is left out; there is no way to send null."""
    for schema in schemas:
        others = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
        if len(others) == 1:
            del schema["anyOf"]
            schema.update(others[0])


def _add_problems(path: str, operation: Operation) -> None:
    responses = operation["responses"]
    for status in _statuses(path, operation):
        kinds = {kind: detail for kind, (of_status, detail) in PROBLEMS.items() if of_status == status}
        examples = {kind: {"value": problem_body(status, kind, detail)} for kind, detail in kinds.items()}
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}, "examples": examples}},
        }


def _statuses(path: str, operation: Operation) -> Iterator[int]:
    """What may go wrong, by what a request of this kind has."""
    yield 500
    if path.startswith("/api/"):
        yield from (429, 503)
    if "{" in path or path == "/api/v1/recommendations":  # products that the others should be like
        yield 404
    if "security" in operation:
        yield from (401, 403)
    if path == "/api/v1/admin/models/current":
        yield from (404, 409)
    if "requestBody" in operation:
        yield from (400, 408, 413, 415)
    if "requestBody" in operation or "parameters" in operation:
        yield 422


def _add_examples(key: str, operation: Operation) -> None:
    if key in REQUESTS:
        for content in operation["requestBody"]["content"].values():
            content["example"] = REQUESTS[key]
    for parameter in operation.get("parameters", []):
        if parameter["name"] in QUERIES:
            parameter["example"] = QUERIES[parameter["name"]]
    for status, response in operation["responses"].items():
        for media_type, content in response.get("content", {}).items():
            if status.startswith("2") and key in ANSWERS and media_type == "application/json":
                content["example"] = ANSWERS[key]
