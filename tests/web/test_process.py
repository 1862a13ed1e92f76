"""`snapshelf serve` as a process of its own: how it begins and how it ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes

FORM = (
    b'--x\r\nContent-Disposition: form-data; name="photo"; filename="p.png"\r\n\r\n'
    + photo_bytes(COLOURS["red thing"], 5)
    + b"\r\n--x--\r\n"
)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server that answers, and its port."""
    store = build_tiny_store(tmp_path)
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "snapshelf",
        "serve",
        "--store",
        str(store.root),
        "--port",
        "0",
    ]
    environment = os.environ | {"SNAPSHELF_THREADS": "1", "COLUMNS": "200"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr
    modules: list[str] = []
    for line in process.stderr:
        modules.append(line)
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            assert not [each for each in modules if re.search(r"\| +(torch|timm|onnx)$", each)]
            yield process, int(found[1])
            break
    process.kill()
    process.wait()
    process.stderr.close()


def begun(port: int) -> http.client.HTTPConnection:
    """A photo of which the first half is under way."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", "/api/v1/recommendations")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(len(FORM)))
    connection.endheaders(FORM[:40])
    return connection


def wait_for_the_end(port: int) -> None:
    """Until nobody is taken any more."""
    with contextlib.suppress(ConnectionError):
        while True:
            socket.create_connection(("127.0.0.1", port), timeout=60).close()
            time.sleep(0.001)


def test_sigterm_answers_what_is_under_way_and_takes_nothing_new(serving: tuple[subprocess.Popen[str], int]) -> None:
    process, port = serving
    assert process.stderr
    lines: list[str] = []

    def read() -> None:
        assert process.stderr
        lines.extend(process.stderr)

    reader = threading.Thread(target=read)
    reader.start()
    upload = begun(port)
    other = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while True:  # until the upload has reached the application
        other.request("GET", "/metrics")
        if b"snapshelf_requests_in_flight 1.0" in other.getresponse().read():
            break
    process.send_signal(signal.SIGTERM)
    wait_for_the_end(port)
    assert process.poll() is None
    upload.send(FORM[40:])
    answer = upload.getresponse()
    assert answer.status == 200
    assert json.load(answer)["prediction"]["label"] == "red thing"
    assert process.wait(60) == -signal.SIGTERM  # as whoever sent it expects
    reader.join()
    logged = [json.loads(line) for line in lines if line.startswith("{")]
    (searched,) = [line for line in logged if line.get("route") == "/api/v1/recommendations"]
    assert searched["request_id"] == answer.headers["X-Request-ID"]


def test_a_connection_that_stands_when_the_end_begins_may_bring_one_more_request(
    serving: tuple[subprocess.Popen[str], int],
) -> None:
    """As a proxy's do, which has sent it before it learns of the end."""
    process, port = serving
    used, unused = (http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(2))
    used.request("GET", "/readyz")
    assert used.getresponse().read()
    unused.connect()
    process.send_signal(signal.SIGTERM)
    wait_for_the_end(port)
    for each in (used, unused):
        each.auto_open = 0
        each.request("GET", "/readyz")
        answer = each.getresponse()
        assert (answer.status, answer.headers["Connection"]) == (200, "close")
    assert process.wait(60) == -signal.SIGTERM
