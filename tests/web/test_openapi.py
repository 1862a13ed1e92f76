"""The API's description: every operation with examples that keep to their schemas, every problem named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient

from snapshelf.settings import Settings
from snapshelf.web import problems
from snapshelf.web.app import create_app
from snapshelf.web.examples import ANSWERS, PROBLEMS, QUERIES, REQUESTS
from snapshelf.wiring import open_shelf
from tests.tiny_store import build_tiny_store

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = Settings(threads=1)
    shelf = open_shelf(build_tiny_store(tmp_path_factory.mktemp("described")), settings)
    with TestClient(create_app(shelf, settings)) as client:
        found = client.get("/openapi.json").json()
    assert isinstance(found, dict)
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def assert_keeps_to(document: dict[str, Any], schema: dict[str, Any], value: object) -> None:
    whole = {**schema, "components": document["components"]}
    jsonschema_rs.validate(whole, value)


def test_every_answer_in_json_has_an_example_that_keeps_to_its_schema(document: dict[str, Any]) -> None:
    for key, operation in operations(document):
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get("application/json")
            if status.startswith("2") and content is not None and key.split()[1] != "/api/v1/samples/{number}":
                assert "example" in content, key
                assert_keeps_to(document, content["schema"], content["example"])


def test_every_body_in_json_has_an_example_that_keeps_to_its_schema(document: dict[str, Any]) -> None:
    for key, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None:
            assert "example" in content, key
            assert_keeps_to(document, content["schema"], content["example"])


def test_parameters_have_examples_that_keep_to_their_schemas(document: dict[str, Any]) -> None:
    for key, operation in operations(document):
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "header":
                assert "example" in parameter, (key, parameter["name"])
                assert_keeps_to(document, parameter["schema"], parameter["example"])


def test_every_operation_names_its_problems_with_examples(document: dict[str, Any]) -> None:
    for key, operation in operations(document):
        assert "500" in operation["responses"], key
        for status, response in operation["responses"].items():
            if status >= "400":
                content = response["content"][PROBLEM]
                assert content["examples"], (key, status)
                for kind, example in content["examples"].items():
                    assert_keeps_to(document, content["schema"], example["value"])
                    assert example["value"]["type"] == f"urn:snapshelf:problem:{kind}"
                    assert str(example["value"]["status"]) == status


def test_examples_are_of_what_there_is(document: dict[str, Any]) -> None:
    found = dict(operations(document))
    names = {parameter["name"] for each in found.values() for parameter in each.get("parameters", [])}
    assert set(ANSWERS) | set(REQUESTS) <= set(found)
    assert set(QUERIES) <= names


def test_every_kind_of_problem_in_the_code_has_an_example_and_stands_in_the_docs() -> None:
    raised = {kind for _, _, kind in problems._KINDS}
    assert raised <= set(PROBLEMS)
    docs = Path("docs/api.md").read_text("utf-8")
    for kind in PROBLEMS:
        assert f"`{kind}`" in docs, kind


def test_operations_have_short_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+", name) and "api_v1" not in name for name in names)
