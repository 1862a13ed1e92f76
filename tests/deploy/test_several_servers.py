"""Two servers before one Qdrant and behind nginx as deploy/nginx sets it up, of which one goes in the middle."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.request import urlopen

import pytest

from snapshelf.artifacts.store import Store
from snapshelf.web.server import listen
from tests.deploy.conftest import ROOT, serving
from tests.tiny_store import COLOURS, photo_bytes

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

_AROUND = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


def free_port() -> int:
    with contextlib.closing(listen("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Nginx:
    """nginx as deploy/nginx/snapshelf.conf has it, but for the ports; a process of its own while this is a context."""

    def __init__(self, folder: Path, ports: tuple[int, int]) -> None:
        if NGINX is None:
            pytest.skip("nginx is not installed")
        folder.mkdir()
        self.port = free_port()
        self._file = folder / "nginx.conf"
        site = (ROOT / "deploy/nginx/snapshelf.conf").read_text("utf-8")
        for written, here in (
            ("127.0.0.1:8001", f"127.0.0.1:{ports[0]}"),
            ("127.0.0.1:8002", f"127.0.0.1:{ports[1]}"),
            ("listen 80;", f"listen 127.0.0.1:{self.port};"),
        ):
            assert site.count(written) == 1
            site = site.replace(written, here)
        user = "user root;" if os.geteuid() == 0 else ""
        self._file.write_text(_AROUND.format(folder=folder, user=user, site=site), "utf-8")

    def __enter__(self) -> Self:
        assert NGINX
        self._process = subprocess.Popen([NGINX, "-p", str(self._file.parent), "-c", str(self._file)])
        for _ in range(200):
            with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                break
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)

    def ask_once_only(self) -> None:
        """From now on what was asked is never asked again of the other server."""
        site = self._file.read_text("utf-8")
        assert "non_idempotent" in site
        self._file.write_text(site.replace("non_idempotent", ""), "utf-8")
        self._process.send_signal(signal.SIGHUP)
        time.sleep(0.5)  # the old processes answer what they were asked


@dataclass
class Load:
    """Customers who ask at an address again and again, each with a connection of their own."""

    port: int
    answers: Counter[str] = field(default_factory=Counter)
    """By status, or by what went wrong."""
    ended: threading.Event = field(default_factory=threading.Event)

    def customer(self, number: int) -> None:
        for visit in itertools.count():
            if self.ended.is_set():
                return
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            with contextlib.closing(connection):
                self.answers[_answer(connection, f"{number}, {visit}")] += 1

    def wait_for_more(self, num: int) -> None:
        """Until so many more were answered."""
        wanted, ends = self.answers.total() + num, time.monotonic() + 60
        while self.answers.total() < wanted:
            assert time.monotonic() < ends, self.answers
            time.sleep(0.01)


@contextlib.contextmanager
def customers(port: int, num: int = 6) -> Iterator[Load]:
    """So many at once, while the block runs."""
    load = Load(port)
    with ThreadPoolExecutor(num) as threads:
        asking = [threads.submit(load.customer, number) for number in range(num)]
        try:
            yield load
        finally:
            load.ended.set()
    for each in asking:
        each.result()


def _answer(connection: http.client.HTTPConnection, customer: str) -> str:
    picture = photo_bytes(COLOURS["red thing"], hash(customer) % 1000)
    form = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="p.png"\r\n\r\n%b\r\n--x--\r\n' % picture
    headers = {"Content-Type": "multipart/form-data; boundary=x", "User-Agent": f"customer {customer}"}
    try:
        for _ in range(5):
            connection.request("POST", "/api/v1/recommendations", form, headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200 or json.loads(content)["prediction"]["label"] != "red thing":
                return f"{answer.status}: {content[:100]!r}"
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    return "five were answered"


def num_answered(port: int) -> float:
    """How many searches a server answered."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    start = 'snapshelf_requests_total{method="POST",route="/api/v1/recommendations",status="200"}'
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))


def wait_until(is_so: Callable[[], object]) -> None:
    ends = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_of_two_servers_one_is_killed_then_the_other_one_ended_and_no_request_fails(
    store: Store, qdrant_url: str, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as running:

        def start(port: int) -> subprocess.Popen[str]:
            return running.enter_context(serving(store.root, qdrant_url, port=port))[0]

        first, second = free_port(), free_port()
        with ThreadPoolExecutor() as threads:
            killed, ended = threads.map(start, (first, second))
        nginx = running.enter_context(Nginx(tmp_path / "nginx", (first, second)))
        with customers(nginx.port) as load:
            wait_until(lambda: num_answered(first) and num_answered(second))
            killed.kill()
            load.wait_for_more(12)
            start(first)
            wait_until(lambda: num_answered(first))  # it is asked again
        assert load.answers.keys() == {"five were answered"}
        nginx.ask_once_only()
        with customers(nginx.port) as load:
            load.wait_for_more(12)
            ended.terminate()
            assert ended.wait(60) == -signal.SIGTERM
            load.wait_for_more(12)
        assert load.answers.keys() == {"five were answered"}
