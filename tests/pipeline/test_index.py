"""A catalogue → the store's index: first build, changes in place, other models, kills, bad rows.

Shapes: N photos, S pixels a side.
"""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from snapshelf.adapters.index_folder import open_folder, open_index
from snapshelf.adapters.qdrant_edge_index import QdrantEdgeIndex
from snapshelf.artifacts.cards import IndexCard, ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError, SourceError, StoreError
from snapshelf.gallery import Gallery
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.index import index
from snapshelf.pipelines.index_result import IndexResult
from snapshelf.types import Filters, Product
from tests.dying import NUM_WRITTEN, die_at_the_second_write
from tests.mean_colour import MeanColour
from tests.tiny_store import COLOURS, photo, photo_bytes, write_catalogue, write_model

RED = COLOURS["red thing"]


class Shop:
    """A store with a model, a catalogue of six products, and what is needed to index it."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root / "store")
        self.model = write_model(self.store.folder("models", "m1"), "m1")
        self.encoder = MeanColour()
        self.table = write_catalogue(root / "catalogue", num_products=6)

    def index(self, catalogue: str | None = "", **options: Any) -> IndexResult:
        given = str(self.table) if catalogue == "" else catalogue
        return index(self.store, self.encoder, self.model, given, limits=DecodeLimits(), num_workers=2, **options)

    def other_model(self, model_id: str) -> None:
        self.model = write_model(self.store.folder("models", model_id), model_id)

    def products(self) -> dict[str, Product]:
        _, opened, thumbnails = open_index(self.store, self.model)
        try:
            products = opened.products(offset=0, limit=1000)
            for product in products:
                for kept in opened.product_photos(product.id):
                    assert thumbnails.get(kept.photo_id) is not None
            return {product.id: product for product in products}
        finally:
            opened.close()
            thumbnails.close()

    def rows(self) -> list[dict[str, str]]:
        with self.table.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def rewrite(self, rows: list[dict[str, str]]) -> None:
        with self.table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_first_index_can_be_searched(shop: Shop) -> None:
    result = shop.index()
    assert (result.num_products, result.num_photos, result.added, result.rejected) == (6, 6, 6, [])
    card, opened, thumbnails = open_index(shop.store, shop.model)
    assert (card.id, card.model_id, card.embedding_dim) == (result.index_id, "m1", 3)
    assert card.engine.startswith("qdrant-edge 0.")
    assert card.catalogue == str(shop.table)
    nearest = opened.search(shop.encoder.embedding(photo(RED, 2)), limit=1, filters=Filters())[0]
    assert (nearest.product.id, nearest.product.price) == ("p02", 12.0)
    assert nearest.product.attributes == {"brand": "Acme"}
    assert nearest.similarity == pytest.approx(1, abs=1e-3)
    opened.close()
    thumbnails.close()


def test_a_second_run_changes_and_embeds_nothing(shop: Shop) -> None:
    first = shop.index()
    looked_at = shop.encoder.num_encoded
    second = shop.index()
    assert (second.index_id, second.unchanged, second.added, second.updated) == (first.index_id, 6, 0, 0)
    assert shop.encoder.num_encoded == looked_at


def test_new_data_is_taken_without_embedding_again(shop: Shop) -> None:
    shop.index()
    looked_at = shop.encoder.num_encoded
    rows = shop.rows()
    rows[1] |= {"price": "99", "in_stock": "", "brand": ""}
    shop.rewrite(rows)
    result = shop.index()
    assert (result.updated, result.unchanged) == (1, 5)
    assert shop.encoder.num_encoded == looked_at
    changed = shop.products()["p01"]
    assert (changed.price, changed.in_stock, changed.attributes) == (99.0, None, {})


def test_a_new_picture_is_embedded_alone(shop: Shop) -> None:
    shop.index()
    looked_at = shop.encoder.num_encoded
    photo(RED, 77).save(shop.table.parent / "0.png")
    result = shop.index()
    assert (result.updated, result.unchanged, shop.encoder.num_encoded - looked_at) == (1, 5, 1)
    _, opened, thumbnails = open_index(shop.store, shop.model)
    assert opened.search(shop.encoder.embedding(photo(RED, 77)), limit=1, filters=Filters())[0].product.id == "p00"
    opened.close()
    thumbnails.close()


def test_new_products_are_added_and_others_stay(shop: Shop) -> None:
    first = shop.index()
    rows = shop.rows()
    shop.rewrite([rows[0] | {"id": "new"}, rows[1]])
    result = shop.index()
    assert (result.index_id, result.added, result.unchanged, result.num_products) == (first.index_id, 1, 1, 7)
    assert set(shop.products()) == {"new", *(f"p{number:02}" for number in range(6))}


def test_several_photos_of_a_product_come_and_go_with_its_rows(shop: Shop) -> None:
    rows = shop.rows()
    blank = dict.fromkeys(rows[0], "")
    shop.rewrite([*rows, blank | {"id": "p00", "image": "1.png"}, blank | {"id": "p00", "image": "2.png"}])
    assert (shop.index().num_photos, len(shop.products())) == (8, 6)
    shop.rewrite([*rows, blank | {"id": "p00", "image": "2.png"}])
    result = shop.index()
    assert (result.num_photos, result.dropped, result.unchanged) == (7, 1, 7)


def test_a_changed_product_changes_on_all_its_photos(shop: Shop) -> None:
    rows = shop.rows()
    blank = dict.fromkeys(rows[0], "")
    extra = blank | {"id": "p00", "image": "1.png"}
    shop.rewrite([*rows, extra])
    shop.index()
    photo(RED, 78).save(shop.table.parent / "0.png")
    shop.rewrite([rows[0] | {"title": "New"}, *rows[1:], extra])
    shop.index()
    _, opened, thumbnails = open_index(shop.store, shop.model)
    assert [each.product.title for each in opened.product_photos("p00")] == ["New", "New"]
    opened.close()
    thumbnails.close()


def test_categories_that_the_model_was_not_taught_are_named(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert shop.index().untaught == {}
    rows = shop.rows()
    shop.rewrite([*rows, rows[0] | {"id": "new-1", "category": "Lamp"}, rows[1] | {"id": "new-2", "category": "Lamp"}])
    result = shop.index()
    assert result.untaught == result.to_json()["untaught_categories"] == {"Lamp": 2}
    assert "not taught 1 of the categories: Lamp (2)" in capsys.readouterr().err


def test_removing_products(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.index()
    result = shop.index(None, remove=["p01", "p03", "nobody"])
    assert (result.removed_products, result.num_products) == (2, 4)
    assert set(shop.products()) == {"p00", "p02", "p04", "p05"}
    assert "There is no product 'nobody' to remove." in capsys.readouterr().err


def test_removing_from_nothing_says_what_to_run(shop: Shop) -> None:
    with pytest.raises(ArtifactMissingError, match="snapshelf index CATALOGUE"):
        shop.index(None, remove=["p01"])


def test_replace_holds_what_the_catalogue_names_and_nothing_else(shop: Shop) -> None:
    first = shop.index()
    shop.rewrite(shop.rows()[:2])
    second = shop.index(replace=True)
    assert second.index_id != first.index_id
    assert (second.num_products, set(shop.products())) == (2, {"p00", "p01"})
    assert shop.store.ids("index") == [second.index_id]


def test_an_index_that_is_being_served_is_replaced_but_not_removed(shop: Shop) -> None:
    first = shop.index()
    served, thumbnails = open_folder(shop.store.folder("index", first.index_id))
    second = shop.index(replace=True)
    assert set(shop.store.ids("index")) == {first.index_id, second.index_id}
    assert shop.store.current("index").name == second.index_id
    assert served.count_products() == 6
    served.close()
    thumbnails.close()


def test_an_index_that_is_being_served_is_not_changed(shop: Shop) -> None:
    shop.index()
    _, served, thumbnails = open_index(shop.store, shop.model)
    with pytest.raises(StoreError, match="Another snapshelf serves"):
        shop.index()
    served.close()
    thumbnails.close()


def test_another_model_gets_an_index_of_its_own_and_the_old_one_waits(shop: Shop) -> None:
    first, old_model = shop.index(), shop.model
    shop.other_model("m2")
    with pytest.raises(ArtifactMismatchError, match="made by the model m1, but the model in use is m2"):
        open_index(shop.store, shop.model)
    second = shop.index()
    assert (second.added, IndexCard.read(shop.store.current("index")).model_id) == (6, "m2")
    shop.model = old_model
    back = shop.index()
    assert (back.index_id, back.unchanged) == (first.index_id, 6)
    assert shop.store.current("index").name == first.index_id
    assert set(shop.store.ids("index")) == {first.index_id, second.index_id}


def test_bad_rows_never_stop_it(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shop.table.parent
    (folder / "text.png").write_text("no picture")
    (folder / "empty.png").touch()
    (folder / "cut.png").write_bytes(photo_bytes(RED, 5)[:200])
    good = shop.rows()
    bad = [
        good[0] | {"id": "a", "image": "text.png"},
        good[0] | {"id": "b", "image": "empty.png"},
        good[0] | {"id": "c", "image": "cut.png"},
        good[0] | {"id": "d", "image": "nowhere.png"},
        good[0] | {"id": "e", "price": "-4"},
        good[0] | {"id": ""},
    ]
    shop.rewrite([*bad, *good])
    result = shop.index()
    assert set(shop.products()) == {f"p{number:02}" for number in range(6)}
    assert [each.path for each in result.rejected] == [f"catalogue.csv row {number}" for number in range(2, 8)]
    said = capsys.readouterr().err
    assert "6 rows could not be used" in said
    assert "catalogue.csv row 2: Not a picture" in said


def test_a_catalogue_without_a_good_row_is_refused_and_the_index_stays(shop: Shop) -> None:
    shop.index()
    before = shop.store.current("index")
    shop.rewrite([row | {"price": "-1"} for row in shop.rows()])
    for replace in (False, True):
        with pytest.raises(SourceError, match=r"no row that can be used \(6 could not\)[\s\S]*price is '-1'"):
            shop.index(replace=replace)
    assert shop.store.current("index") == before
    assert len(shop.products()) == 6


def test_a_photo_that_cannot_be_read_today_keeps_yesterdays_place(shop: Shop) -> None:
    shop.index()
    (shop.table.parent / "0.png").write_text("no picture")
    rows = shop.rows()
    rows[0] |= {"price": "77"}
    shop.rewrite(rows)
    result = shop.index()
    assert (len(result.rejected), result.dropped, result.num_photos) == (1, 0, 6)
    assert shop.products()["p00"].price == 77.0


def test_what_staff_put_over_http_yields_to_the_catalogue_that_names_it(shop: Shop) -> None:
    shop.index()
    _, opened, thumbnails = open_index(shop.store, shop.model)
    gallery = Gallery(shop.encoder, opened, thumbnails, DecodeLimits())
    gallery.put(Product("p00", "By hand", "red thing"), [photo_bytes(RED, 500)])
    gallery.put(Product("extra", "By hand", "red thing"), [photo_bytes(RED, 501)])
    opened.close()
    thumbnails.close()
    result = shop.index()
    assert (result.num_products, result.num_photos, result.dropped) == (7, 7, 1)
    titles = {product.id: product.title for product in shop.products().values()}
    assert (titles["p00"], titles["extra"]) == ("Blue Thing 0", "By hand")


def test_a_folder_of_photos_is_a_catalogue(shop: Shop, photo_folder: Path) -> None:
    result = shop.index(str(photo_folder))
    assert (result.num_products, result.rejected) == (60, [])
    assert shop.products()["red/07.png"] == Product("red/07.png", "Red 07", "red")


def test_columns_are_mapped_by_the_stores_configuration(shop: Shop) -> None:
    shop.store.config_path.write_text('[catalogue_columns]\nprice = "Preis"\n')
    shop.table.write_text(shop.table.read_text().replace("price", "Preis"))
    shop.index()
    assert shop.products()["p03"].price == 13.0


def index_and_die(root: str, table: str) -> None:
    die_at_the_second_write()
    store = Store(Path(root))
    model = ModelCard.read(store.folder("models", "m1"))
    index(store, MeanColour(), model, table, limits=DecodeLimits(), num_workers=2)


def test_a_killed_build_goes_on_where_it_was(shop: Shop) -> None:
    rows = shop.rows()
    shop.rewrite([rows[0] | {"id": f"many-{number}", "image": f"{number % 6}.png"} for number in range(150)])
    code = "import sys; from tests.pipeline.test_index import index_and_die; index_and_die(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(shop.store.root), str(shop.table)]
    killed = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not shop.store.has_current("index")
    result = shop.index()
    assert (result.unchanged, result.added, result.num_products) == (NUM_WRITTEN, 150 - NUM_WRITTEN, 150)
    assert shop.encoder.num_encoded == 150 - NUM_WRITTEN
    assert [path.name for path in (shop.store.root / "index").glob(".building-*")] == []


def test_a_resumed_build_forgets_what_the_catalogue_no_longer_has(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(QdrantEdgeIndex, "optimize", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            shop.index()
    shop.rewrite(shop.rows()[1:])
    result = shop.index()
    assert (result.unchanged, result.dropped, result.num_products) == (5, 1, 5)


def test_a_broken_card_is_mended_by_building_anew(shop: Shop) -> None:
    shop.index()
    (shop.store.current("index") / "card.json").write_text("{}")
    with pytest.raises(StoreError, match="--replace"):
        open_index(shop.store, shop.model)
    result = shop.index(replace=True)
    assert (result.num_products, shop.store.ids("index")) == (6, [result.index_id])
