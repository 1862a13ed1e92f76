"""Request ids, and what is written down of a request."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.web.log import JsonLines, log_to_standard_error
from snapshelf.wiring import open_shelf
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged, as a server writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("snapshelf")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield stream
    log.removeHandler(handler)
    log.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_has_an_id_in_its_answer_and_in_the_log(client: TestClient, written: io.StringIO) -> None:
    photo = photo_bytes(COLOURS["red thing"], 1)
    answer = client.post("/api/v1/recommendations", files={"photo": ("holiday.png", photo)}, data={"text": "for Ada"})
    (line,) = lines(written)
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", line["request_id"])
    assert (line["method"], line["route"], line["status"]) == ("POST", "/api/v1/recommendations", 200)
    assert line["ms"] > 0
    assert (line["level"], line["message"]) == ("info", "answered")
    assert not {"Ada", "holiday", "testclient"} & set(re.findall(r"\w+", written.getvalue()))


def test_a_given_id_is_kept_if_it_is_one(client: TestClient, written: io.StringIO) -> None:
    given = client.get("/api/v1/store", headers={"X-Request-ID": "edge-7.a_B"})
    assert given.headers["X-Request-ID"] == "edge-7.a_B"
    for odd in ("a b", 'x"}\\n{', "a" * 65, ""):
        made = client.get("/api/v1/store", headers={"X-Request-ID": odd}).headers["X-Request-ID"]
        assert re.fullmatch("[0-9a-f]{32}", made)
    assert lines(written)[0]["request_id"] == "edge-7.a_B"


def test_a_refusal_is_named_and_counted(client: TestClient, written: io.StringIO) -> None:
    client.post("/api/v1/recommendations", files={"photo": b"no photo"})
    client.get("/api/v1/products/none")
    assert [line["problem"] for line in lines(written)] == ["not-a-photo", "product-not-found"]
    metrics = client.get("/metrics").text
    assert 'snapshelf_refusals_total{reason="not-a-photo"} 1.0' in metrics


def test_what_is_asked_for_by_the_dozen_is_not_written_down(client: TestClient, written: io.StringIO) -> None:
    product = client.get("/api/v1/products").json()["products"][0]
    for path in ("/static/style.css", "/healthz", "/readyz", "/metrics", f"/api/v1/products/{product['id']}/image"):
        assert client.get(path).status_code == 200
    assert [line["route"] for line in lines(written)] == ["/api/v1/products"]
    client.get("/static/none.css")
    assert lines(written)[-1]["status"] == 404


def test_a_crash_stands_in_the_log_under_the_id_that_its_answer_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(threads=1)
    shelf = open_shelf(build_tiny_store(tmp_path), settings)
    with TestClient(create_app(shelf, settings)) as client:
        monkeypatch.setattr(type(shelf.index), "categories", lambda _: 1 // 0)
        with pytest.raises(ZeroDivisionError) as caught:
            client.get("/api/v1/categories", headers={"X-Request-ID": "seven"})
        assert caught.value.__notes__ == ["Of the request seven."]
        quiet = TestClient(client.app, raise_server_exceptions=False)
        answer = quiet.get("/api/v1/categories", headers={"X-Request-ID": "eight"})
        assert answer.headers["X-Request-ID"] == "eight"
        assert "under eight" in answer.json()["detail"]


def test_an_error_is_one_line_with_its_traceback() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        record = logging.LogRecord("snapshelf", logging.ERROR, "f", 1, "it %s", ("broke",), (type(error), error, None))
    text = JsonLines().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["message"], line["level"]) == ("it broke", "error")
    assert "ValueError: two\nlines" in line["error"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])


@pytest.mark.parametrize(
    ("set_to", "terminal", "level"),
    [(None, True, logging.WARNING), (None, False, logging.INFO), ("debug", True, logging.DEBUG)],
)
def test_a_terminal_is_spared_a_line_for_every_request(
    monkeypatch: pytest.MonkeyPatch, set_to: Any, terminal: bool, level: int
) -> None:
    root, log = logging.getLogger(), logging.getLogger("snapshelf")
    handlers, levels = root.handlers[:], (root.level, log.level)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    try:
        log_to_standard_error(Settings(log_level=set_to))
        assert log.level == level
        assert isinstance(root.handlers[0].formatter, JsonLines)
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        log.setLevel(levels[1])
