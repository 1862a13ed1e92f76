"""`index --sync`: an index becomes what a feed says, in place; nothing good is lost on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from snapshelf import cli
from snapshelf.adapters.index_folder import open_index
from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.data.decoding import DOWNLOADS_AT_A_TIME
from snapshelf.errors import SourceError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines import embed_photos
from snapshelf.pipelines.index import index, plan_sync
from snapshelf.pipelines.index_result import IndexResult
from snapshelf.pipelines.sync import Plan
from snapshelf.types import Product
from tests.dying import NUM_WRITTEN, die_at_the_second_write
from tests.feeds import GOOGLE_HEADING, write_table
from tests.mean_colour import MeanColour
from tests.tiny_store import COLOURS, photo, photo_bytes, write_model

LIMITS = DecodeLimits()


class Shop:
    """A store with a model, and a Google feed of products whose photos lie beside it."""

    def __init__(self, root: Path, num_products: int = 6) -> None:
        self.store = Store(root / "store")
        self.model = write_model(self.store.folder("models", "m1"), "m1")
        self.store.use("models", "m1")
        self.encoder = MeanColour()
        self.feed = root / "feed" / "feed.tsv"
        self.rows = [self.row(number) for number in range(num_products)]
        self.write()

    def row(self, number: int) -> dict[str, str]:
        picture = self.feed.parent / f"{number}.png"
        picture.parent.mkdir(exist_ok=True)
        photo(COLOURS["red thing"], number).save(picture)
        return {
            "id": f"p{number:02}", "title": f"Thing {number}", "image_link": picture.name,
            "availability": "in_stock", "price": f"{10 + number}.00 EUR", "product_type": "Things",
        }  # fmt: skip

    def write(self) -> None:
        write_table(self.feed, GOOGLE_HEADING, *self.rows, separator="\t")

    def sync(self, **options: Any) -> IndexResult:
        self.write()
        given: dict[str, Any] = {"limits": LIMITS, "num_workers": 2, "sync": True} | options
        return index(self.store, self.encoder, self.model, str(self.feed), **given)

    def plan(self, **options: Any) -> Plan:
        self.write()
        return plan_sync(self.store, self.model, str(self.feed), limits=LIMITS, **options)

    def products(self) -> dict[str, Product]:
        _, opened, thumbnails = open_index(self.store, self.model)
        try:
            products = {product.id: product for product in opened.products(offset=0, limit=1000)}
            for product_id in products:
                for kept in opened.product_photos(product_id):
                    assert thumbnails.get(kept.photo_id) is not None
            return products
        finally:
            opened.close()
            thumbnails.close()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def counts(result: IndexResult) -> dict[str, int]:
    found: dict[str, int] = result.to_json()["products"]
    return {name: number for name, number in found.items() if number}


def test_an_index_becomes_what_the_feed_says(shop: Shop) -> None:
    first = shop.sync()
    assert counts(first) == {"added": 6, "total": 6}
    looked_at = shop.encoder.num_encoded
    shop.rows = [shop.rows[0] | {"price": "7.00 EUR", "availability": "out_of_stock"}, *shop.rows[1:4], shop.row(9)]
    second = shop.sync()
    assert second.index_id == first.index_id
    assert counts(second) == {"added": 1, "changed": 1, "unchanged": 3, "removed": 2, "total": 5}
    assert second.to_json()["photos"] == {
        "added": 1, "updated": 1, "unchanged": 3, "removed": 2, "embedded": 1, "total": 5
    }  # fmt: skip
    assert shop.encoder.num_encoded == looked_at + 1
    products = shop.products()
    assert set(products) == {"p00", "p01", "p02", "p03", "p09"}
    assert (products["p00"].price, products["p00"].in_stock) == (7.0, False)
    assert counts(shop.sync()) == {"unchanged": 5, "total": 5}


def test_a_photo_with_another_content_is_embedded_again(shop: Shop) -> None:
    shop.sync()
    photo(COLOURS["blue thing"], 3).save(shop.feed.parent / "0.png")
    result = shop.sync()
    assert (counts(result), result.embedded) == ({"changed": 1, "unchanged": 5, "total": 6}, 1)


def test_without_sync_nothing_is_removed(shop: Shop) -> None:
    shop.sync()
    shop.rows = shop.rows[:2]
    assert counts(shop.sync(sync=False)) == {"unchanged": 2, "total": 6}


def test_a_dry_run_says_what_would_be_done_and_does_nothing(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    empty = shop.plan()
    assert (empty.added, empty.photos_added, empty.num_products) == (6, 6, 6)
    assert not shop.store.has_current("index")
    shop.sync()
    before, looked_at = shop.products(), shop.encoder.num_encoded
    shop.rows = [shop.rows[0] | {"price": "7.00 EUR"}, *shop.rows[1:4], shop.row(9)]
    (shop.feed.parent / "3.png").write_bytes(b"another content, which a dry run does not look at")
    capsys.readouterr()
    plan = shop.plan()
    assert (plan.added, plan.changed, plan.unchanged, plan.removed) == (1, 1, 3, ["p04", "p05"])
    assert (plan.photos_added, plan.photos_unchanged, plan.photos_removed, plan.num_products) == (1, 4, 2, 5)
    assert (shop.products(), shop.encoder.num_encoded) == (before, looked_at)
    said = capsys.readouterr().err
    assert "Nothing was changed, and no photo was looked at or fetched" in said
    assert "to remove: p04, p05" in said


def test_photos_that_come_and_go_change_their_product(shop: Shop) -> None:
    shop.rows[0] |= {"additional_image_link": "1.png"}
    shop.sync()
    shop.rows[0] |= {"additional_image_link": "2.png"}
    plan = shop.plan()
    assert (plan.changed, plan.photos_added, plan.photos_removed) == (1, 1, 1)
    result = shop.sync()
    assert (result.products_changed, result.added, result.dropped) == (1, 1, 1)


def test_more_than_half_is_not_removed_without_being_asked(tmp_path: Path) -> None:
    shop = Shop(tmp_path, num_products=24)
    shop.sync()
    everything, shop.rows = shop.rows, [shop.row(99), *shop.rows[:8]]
    for attempt in (shop.sync, shop.plan):
        with pytest.raises(SourceError, match=r"no longer has 16 of the index's 24 products.*nothing was.*--force"):
            attempt()
    assert set(shop.products()) == {row["id"] for row in everything}
    assert counts(shop.sync(force=True)) == {"added": 1, "unchanged": 8, "removed": 16, "total": 9}
    shop.rows = shop.rows[:1]
    assert counts(shop.sync()) == {"unchanged": 1, "removed": 8, "total": 1}  # few may go without being asked


def test_a_feed_without_a_usable_row_never_empties_the_index(shop: Shop) -> None:
    shop.sync()
    good = shop.rows
    for rows in ([], [row | {"price": "-1 EUR"} for row in good]):
        shop.rows = rows
        for attempt in (shop.sync, shop.plan):
            with pytest.raises(SourceError, match="no row that can be used"):
                attempt(force=True)
    assert len(shop.products()) == 6


def test_products_whose_rows_cannot_be_used_today_stay(shop: Shop) -> None:
    shop.sync()
    (shop.feed.parent / "0.png").unlink()
    (shop.feed.parent / "1.png").write_text("no picture")
    shop.rows[2] |= {"price": "-2 EUR"}
    shop.rows[3] |= {"availability": "perhaps"}
    shop.rows = shop.rows[:5]
    assert (shop.plan().kept, shop.plan().removed) == (3, ["p05"])
    result = shop.sync()
    assert set(shop.products()) == {f"p{number:02}" for number in range(5)}
    assert (result.products_kept, result.removed_products, len(result.rejected)) == (3, 1, 4)
    assert sorted(bad.product_id or "" for bad in result.rejected) == ["p00", "p01", "p02", "p03"]


def test_where_rows_cannot_be_read_nothing_is_removed(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.sync()
    shop.rows = shop.rows[:3]
    shop.write()
    with shop.feed.open("a", encoding="utf-8") as file:
        file.write('x\t"and so on\n')
    given: dict[str, Any] = {"limits": LIMITS, "num_workers": 2, "sync": True}
    result = index(shop.store, shop.encoder, shop.model, str(shop.feed), **given)
    assert (counts(result), len(shop.products())) == ({"unchanged": 3, "kept": 3, "total": 6}, 6)
    assert "3 products that the others do not name are kept" in capsys.readouterr().err
    result = index(shop.store, shop.encoder, shop.model, str(shop.feed), **given, force=True)
    assert counts(result) == {"unchanged": 3, "removed": 3, "total": 3}


def test_drafts_leave_the_index(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    heading = ("Handle", "Title", "Type", "Variant Price", "Image Src", "Status")
    rows = [
        {"Handle": name, "Title": name, "Type": "T", "Variant Price": "5", "Image Src": f"{number}.png"}
        for number, name in enumerate(("hat", "cap"))
    ]
    export = write_table(shop.feed.parent / "shopify.csv", heading, *rows)
    given: dict[str, Any] = {"limits": LIMITS, "num_workers": 2, "sync": True}
    index(shop.store, shop.encoder, shop.model, str(export), **given)
    write_table(export, heading, rows[0], rows[1] | {"Status": "draft"})
    result = index(shop.store, shop.encoder, shop.model, str(export), **given)
    assert (set(shop.products()), result.left_out) == ({"hat"}, {"draft": 1})
    assert "Products that are not for sale, left out: 1 draft" in capsys.readouterr().err


def test_a_plain_table_is_synchronised_too(shop: Shop) -> None:
    path = shop.feed.parent / "table.csv"
    heading, rows = "id,title,category,image\n", ["a,A,x,0.png\n", "b,B,x,1.png\n"]
    given: dict[str, Any] = {"limits": LIMITS, "num_workers": 2, "sync": True}
    for count in (2, 1):
        path.write_text(heading + "".join(rows[:count]))
        index(shop.store, shop.encoder, shop.model, str(path), **given)
    assert set(shop.products()) == {"a"}


def test_photos_are_fetched_many_at_a_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = photo_bytes(COLOURS["red thing"], int(self.path.strip("/")))
            self.send_response(200 if self.path != "/3" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    asked: list[int] = []

    def noted(num_threads: int) -> ThreadPoolExecutor:
        asked.append(num_threads)
        return ThreadPoolExecutor(num_threads)

    monkeypatch.setattr(embed_photos, "ThreadPoolExecutor", noted)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        for number, row in enumerate(shop.rows):
            row["image_link"] = f"http://127.0.0.1:{server.server_port}/{number}"
        with pytest.raises(SourceError, match="not a public address"):
            shop.sync()
        shop.store.config_path.write_text('[prepare]\nallowed_hosts = ["127.0.0.1"]\n')
        result = shop.sync()
    finally:
        server.shutdown()
        server.server_close()
    assert (counts(result), asked) == ({"added": 5, "total": 5}, [DOWNLOADS_AT_A_TIME] * 2)
    (bad,) = result.rejected
    assert (bad.path, bad.product_id, "404" in bad.reason) == ("feed.tsv row 5", "p03", True)


def sync_and_die(root: str, feed: str) -> None:
    die_at_the_second_write()
    store = Store(Path(root))
    model = ModelCard.read(store.folder("models", "m1"))
    index(store, MeanColour(), model, feed, limits=LIMITS, num_workers=2, sync=True)


def test_a_killed_sync_is_mended_by_running_it_again(shop: Shop) -> None:
    shop.sync()
    shop.rows = [shop.rows[0] | {"id": f"new-{number}", "image_link": f"{number % 6}.png"} for number in range(150)]
    shop.rows.append(shop.row(0) | {"price": "1.00 EUR"})
    shop.write()
    code = "import sys; from tests.pipeline.test_sync import sync_and_die; sync_and_die(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(shop.store.root), str(shop.feed)]
    killed = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    halfway = shop.products()
    assert {f"p{number:02}" for number in range(6)} < set(halfway)
    assert len(halfway) == 6 + NUM_WRITTEN
    looked_at = shop.encoder.num_encoded
    result = shop.sync()
    assert shop.encoder.num_encoded - looked_at == result.embedded == 150 - (len(halfway) - 6)
    assert set(shop.products()) == {"p00", *(f"new-{number}" for number in range(150))}
    assert shop.products()["p00"].price == 1.0


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["snapshelf", *map(str, arguments)])
    try:
        cli.main()
    except SystemExit as exit_:
        return int(exit_.code or 0)
    return 0


def test_the_command_line(shop: Shop, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    command = ("index", shop.feed, "--store", shop.store.root)
    assert run(monkeypatch, *command, "--sync", "--dry-run", "--json") == 0
    planned = json.loads(capfd.readouterr().out)
    assert (planned["dry_run"], planned["products"]["added"]) == (True, 6)
    assert not shop.store.has_current("index")
    assert run(monkeypatch, *command, "--json") == 0
    captured = capfd.readouterr()
    done = json.loads(captured.out)
    assert f"Reading {shop.feed} as google-merchant: its heading has Google's names" in captured.err
    assert (done["dry_run"], done["products"]["added"], done["num_rejected"]) == (False, 6, 0)
    assert planned["products"] == done["products"]
    assert set(planned) <= set(done)
    shop.rows = shop.rows[:4]
    shop.write()
    assert run(monkeypatch, *command, "--sync") == 0
    captured = capfd.readouterr()
    assert (captured.out, "Products: 4 unchanged, 2 removed" in captured.err) == ("", True)
    assert set(shop.products()) == {"p00", "p01", "p02", "p03"}


@pytest.mark.parametrize(
    "options", [("--sync", "--replace"), ("--dry-run",), ("--force",), ("--sync", "--remove", "p01", None)]
)
def test_options_that_do_not_go_together(
    shop: Shop, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    catalogue = () if None in options else (shop.feed,)
    given = [option for option in options if option]
    assert run(monkeypatch, "index", *catalogue, "--store", shop.store.root, *given) == 2
    assert "--sync" in capfd.readouterr().err
