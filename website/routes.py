"""The page of every route, made of the application's own OpenAPI document."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from snapshelf.progress import console
from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.wiring import open_shelf
from tests.tiny_store import build_tiny_store

Document = dict[str, Any]

_HEAD = """\
# Every route

Made from the server's own description, which is [openapi.json](openapi.json) in full: feed it to a generator of
clients. A running server has it at `/openapi.json`, and a page to try it at `/docs`. [The API in use](api.md) explains
the same with examples and has [every problem](api.md#errors).
"""


@functools.cache
def openapi_document() -> Document:
    """What `/openapi.json` of a server says."""
    settings = Settings(threads=1)
    with (
        tempfile.TemporaryDirectory() as folder,
        console.capture(),
    ):  # what indexing says is about no store of the reader's
        shelf = open_shelf(build_tiny_store(Path(folder)), settings)
        try:
            return create_app(shelf, settings).openapi()
        finally:
            shelf.close()


def routes_page(document: Document) -> str:
    """The page in Markdown: one section a group of routes, one below it a route."""
    parts = [_HEAD.rstrip()]
    for group, routes in groupby(_routes(document), key=lambda route: str(route[2]["tags"][0])):
        parts.append(f"## {group.capitalize()}")
        parts += [_route(document, method, path, operation) for method, path, operation in routes]
    return "\n\n".join(parts) + "\n"


def _routes(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def _route(document: Document, method: str, path: str, operation: Document) -> str:
    key = " Needs the admin key." if "security" in operation else ""
    parts = [f"### {method} {path}", f"{operation['description']}{key}"]
    rows = [*_parameters(operation), *_body(document, operation)]
    if rows:
        parts.append("\n".join(["| field | where | type | default |", "|---|---|---|---|", *rows]))
    parts += _answers(operation)
    problems = [status for status in operation["responses"] if status >= "400"]
    parts.append("Problems: " + ", ".join(sorted(problems)) + ".")
    return "\n\n".join(parts)


def _parameters(operation: Document) -> Iterator[str]:
    for each in operation.get("parameters", []):
        yield _row(each["name"], f"{each['in']}", each["schema"], required=each.get("required", False))


def _body(document: Document, operation: Document) -> Iterator[str]:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(document, content["schema"])
        where = "form" if media_type.startswith("multipart") else "JSON"
        for name, field in schema.get("properties", {}).items():
            yield _row(name, where, field, required=name in schema.get("required", []))


def _row(name: str, where: str, schema: Document, *, required: bool) -> str:
    default = schema.get("default")
    shown = "required" if required else "" if default in (None, [], "", {}) else f"`{json.dumps(default)}`"
    return f"| `{name}` | {where} | {_type(schema)} | {shown} |"


def _type(schema: Document) -> str:
    """A field's type in words, with its bounds."""
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if "items" in schema else "list"
    words = str(schema.get("format") or schema.get("contentMediaType") or schema.get("type", "any"))
    words = "file" if words in ("binary", "application/octet-stream") else words
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        words += "".join([f", from {low:g}" if low is not None else "", f" to {high:g}" if high is not None else ""])
    return words


def _answers(operation: Document) -> Iterator[str]:
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            content = response.get("content", {})
            example = content.get("application/json", {}).get("example")
            kinds = ", ".join(f"`{each}`" for each in content) or "no content"
            yield f"Answer {status}: {kinds}."
            if example is not None:
                yield f"```json\n{json.dumps(example, indent=2, ensure_ascii=False)}\n```"


def _resolved(document: Document, schema: Document) -> Document:
    if "$ref" in schema:
        found: Document = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema
