"""`snapshelf index --ray`: the same index as without it, also when workers or the driver are killed in the middle."""

from __future__ import annotations

import csv
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, ClassVar

import numpy as np
import pytest

from snapshelf import cli
from snapshelf.adapters.index_folder import open_index
from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.artifacts.store import Store
from snapshelf.errors import ClusterError, ConfigError
from snapshelf.gallery import Gallery
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines import index_photos
from snapshelf.pipelines.index import index
from snapshelf.pipelines.index_result import IndexResult
from tests.tiny_store import COLOURS, photo, photo_bytes, write_catalogue, write_model

ray = pytest.importorskip("ray", reason="the [ray] extra is not installed; make test-ray installs and runs these")
ray_workers = pytest.importorskip("snapshelf.pipelines.ray_workers")
pytestmark = pytest.mark.ray

_NAME = b"ray::MapWorker(MapBatches(_Worker))"
"""How Ray calls the processes that embed."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A Ray of two workers, and little else."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False,
        logging_level=logging.ERROR,
    )  # fmt: skip
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


class Shop:
    """A store with a model, and a catalogue of products."""

    def __init__(self, root: Path, num_products: int) -> None:
        self.store = Store(root / "store")
        self.model = write_model(self.store.folder("models", "m1"), "m1")
        self.store.use("models", "m1")
        self.encoder = OnnxEncoder(self.store.current("models"), num_threads=1)
        self.table = write_catalogue(root / "catalogue", num_products)

    def index(self, cluster: Any = None, **options: Any) -> IndexResult:
        return index(
            self.store, self.encoder, self.model, str(self.table),
            limits=DecodeLimits(), num_workers=1, cluster=cluster, **options,
        )  # fmt: skip

    def index_on_ray(self, **options: Any) -> IndexResult:
        with ray_workers.RayCluster("auto", num_cores=2) as cluster:
            return self.index(cluster, **options)

    def change(self, *extra: dict[str, str], **cells: str) -> None:
        """Add rows like the first one but for some cells; change cells of all others, `{}` being the row's number."""
        with self.table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        rows = [row | {name: value.format(number) for name, value in cells.items()} for number, row in enumerate(rows)]
        with self.table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows([*rows, *(rows[0] | each for each in extra)])

    def content(self) -> dict[str, Any]:
        """Everything that the index holds, embeddings aside."""
        _, opened, thumbnails = open_index(self.store, self.model)
        products = opened.products(offset=0, limit=1000)
        photos = [kept for product in products for kept in opened.product_photos(product.id)]
        found = {kept.photo_id: (kept, thumbnails.get(kept.photo_id)) for kept in photos}
        opened.close()
        thumbnails.close()
        return found

    def embeddings_ND(self) -> Any:
        """In the order of the products' ids."""
        _, opened, thumbnails = open_index(self.store, self.model)
        found = opened.product_embeddings([product.id for product in opened.products(offset=0, limit=1000)])
        opened.close()
        thumbnails.close()
        return np.concatenate([found[name] for name in sorted(found)])


def counts(result: IndexResult) -> dict[str, Any]:
    return {key: value for key, value in result.to_json().items() if key not in ("index_id", "seconds")}


def assert_same(shop: Shop, other: Shop) -> None:
    assert shop.content() == other.content()
    np.testing.assert_allclose(shop.embeddings_ND(), other.embeddings_ND(), atol=1e-6)


def test_the_index_is_the_same_and_kept_in_step(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ray_workers, "_BLOCK", 8)
    shop, other = Shop(tmp_path / "ray", 20), Shop(tmp_path / "threads", 20)
    for each in (shop, other):
        (each.table.parent / "text.png").write_text("no picture")
        each.change(
            {"id": "a", "image": "text.png"}, {"id": "b", "price": "-4"}, {"id": "c", "image": "nowhere.png"},
            {"id": "d", "image": "19.png"},
        )  # fmt: skip
    first, expected = shop.index_on_ray(), other.index()
    assert (first.added, len(first.rejected), first.embedded) == (21, 3, 21)
    reasons = [(bad.path, bad.reason.replace("/ray/", "/threads/")) for bad in first.rejected]
    assert reasons == [(bad.path, bad.reason) for bad in expected.rejected]
    assert_same(shop, other)

    for each in (shop, other):  # new prices (also for b), a new photo, c and d gone
        each.table.write_text("".join(each.table.read_text("utf-8").splitlines(keepends=True)[:-2]), "utf-8")
        each.change(price="7")
        photo(COLOURS["red thing"], 77).save(each.table.parent / "2.png")
    expected = other.index(sync=True)
    blocks = ray_workers._blocks

    def then_a_photo_is_gone(*given: Any) -> Iterator[Any]:
        yield from blocks(*given)
        (shop.table.parent / "5.png").unlink()

    monkeypatch.setattr(ray_workers, "_blocks", then_a_photo_is_gone)
    monkeypatch.setattr(
        sys, "argv",
        ["snapshelf", "index", str(shop.table), "--store", str(shop.store.root), "--sync", "--json", "--ray", "auto"],
    )  # fmt: skip
    capfd.readouterr()
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    assert not leaving.value.code
    said = json.loads(capfd.readouterr().out)
    assert (said["photos"]["embedded"], said["products"]["removed"], said["photos"]["total"]) == (2, 1, 21)
    assert said["num_rejected"] == expected.to_json()["num_rejected"] + 1
    gone = next(bad["reason"] for bad in said["rejected"] if bad["product_id"] == "p05")
    assert "No such file" in gone
    assert "a folder that every machine sees under the same path, or on the web" in gone
    assert_same(shop, other)


class Handler(BaseHTTPRequestHandler):
    """Photos by their numbers; on the request number `kill_at`, every process that embeds is killed first."""

    lock = Lock()
    num_asked: ClassVar[int]
    kill_at: ClassVar[int]
    killed: ClassVar[list[int]]

    def do_GET(self) -> None:
        with self.lock:
            Handler.num_asked += 1
            if self.num_asked == self.kill_at:
                self.killed.extend(workers())
                for pid in self.killed:
                    os.kill(pid, signal.SIGKILL)
        content = photo_bytes(COLOURS["red thing"], int(self.path.strip("/")))
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def workers() -> list[int]:
    """The processes that embed, of the Ray that this process started."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            if path.name.isdigit() and (path / "cmdline").read_bytes().startswith(_NAME) and _is_below(path):
                found.append(int(path.name))
        except OSError:  # it has just ended
            continue
    return found


def _is_below(path: Path) -> bool:
    """Whether this process started another one, or the one that did."""
    parent = path
    for _ in range(2):
        parent = Path("/proc") / (parent / "stat").read_text().rpartition(")")[2].split()[1]
    return parent.name == str(os.getpid())


def test_workers_that_are_killed_are_replaced_and_their_photos_done_again(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_workers, "_BLOCK", 16)
    Handler.num_asked, Handler.kill_at, Handler.killed = 0, 40, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    shop, other = Shop(tmp_path / "ray", 90), Shop(tmp_path / "threads", 90)
    try:
        for each in (shop, other):
            each.store.config_path.write_text('[prepare]\nallowed_hosts = ["127.0.0.1"]\n')
            each.change(image=f"http://127.0.0.1:{server.server_port}/{{}}")
        result = shop.index_on_ray()
        num_asked, killed = Handler.num_asked, len(Handler.killed)
        expected = other.index()
    finally:
        server.shutdown()
        server.server_close()
    assert killed >= 1
    assert num_asked > 90
    assert (result.added, result.rejected) == (90, [])
    assert counts(result) == counts(expected)
    assert_same(shop, other)


def index_and_die(root: str, table: str, address: str) -> None:
    """In a process of its own: index by the command line, and die when the second batch is written."""
    index_photos.WRITE_BATCH = 32
    ray_workers._BLOCK = 16
    add, written = Gallery.add, []

    def add_and_die(self: Gallery, photos: Any) -> None:
        add(self, photos)
        written.append(len(photos))
        if len(written) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    Gallery.add = add_and_die  # type: ignore[method-assign]
    sys.argv = ["snapshelf", "index", table, "--store", root, "--ray", address]
    cli.main()


def test_a_killed_driver_is_taken_up_again_by_the_same_command(tmp_path: Path, address: str) -> None:
    shop, other = Shop(tmp_path / "ray", 100), Shop(tmp_path / "threads", 100)
    code = "import sys; from tests.pipeline.test_index_on_ray import index_and_die; index_and_die(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(shop.store.root), str(shop.table), address]
    killed = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not shop.store.has_current("index")
    result = shop.index_on_ray()
    assert (result.unchanged, result.added, result.embedded) == (64, 36, 36)
    other.index()
    assert_same(shop, other)


def test_a_worker_of_another_version_is_named(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path, 3)
    monkeypatch.setattr(ray_workers, "__version__", "99.0")
    with pytest.raises(ClusterError, match=r"has snapshelf .*, the machine that indexes 99\.0; install the same"):
        shop.index_on_ray()
    assert not shop.store.has_current("index")


def test_a_cluster_that_is_not_there_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with (
        pytest.raises(ConfigError, match=r"--ray 127\.0\.0\.1:9: .*refused\)\. Start one with ray start --head"),
        ray_workers.RayCluster("127.0.0.1:9", num_cores=1),
    ):
        pass
    for address in ("ray://host:10001", "somewhere", "http://host:8265"):
        with pytest.raises(ConfigError, match="expected local, auto or a cluster's HOST:PORT"):
            ray_workers.RayCluster(address, num_cores=1)
