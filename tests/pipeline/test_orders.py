"""`snapshelf orders`: a table → an artefact in use; what people and programs are told; what is left as it was."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from snapshelf import cli
from snapshelf.artifacts.cards import TogetherCard
from snapshelf.artifacts.publish import sha256_file
from snapshelf.artifacts.store import Store
from snapshelf.together.methods import METHODS
from tests.baskets import shoes_and_laces, write_orders
from tests.tiny_store import build_tiny_store


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["snapshelf", *map(str, arguments)])
    try:
        cli.main()
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def test_json_is_one_object_with_the_card_the_score_and_what_was_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    table = write_orders(tmp_path / "orders.csv", shoes_and_laces() * 10)
    with table.open("a") as file:
        file.write(",p01\no0,gone\n" + "".join(f"all,{number}\n" for number in range(101)))
    capfd.readouterr()
    assert run(monkeypatch, "orders", table, "--store", store.root, "--json") == 0
    told, said = capfd.readouterr()
    answer = json.loads(told)
    card = TogetherCard.read(store.current("together"))
    assert answer["id"] == card.id == store.current("together").name
    assert answer["orders_sha256"] == sha256_file(table)
    assert (answer["num_orders"], answer["num_products"]) == (2400, 13)
    assert answer["counts"] == {"rows": 3600 + 103, "rejected": 1, "returned": 0, "single": 1300, "large": 1}
    assert set(answer["compared"]) == set(METHODS)
    assert answer["validation"]["mrr"] == max(each["mrr"] for each in answer["compared"].values())
    assert answer["held_out"] == "random"
    assert answer["rejected"] == [{"path": "orders.csv row 3602", "reason": "order_id is empty; every row needs one."}]
    assert answer["num_unknown_products"] == 1
    for words in ("1,300 orders have a single product", "1 orders of more than 100", "MRR", "bestsellers", "gone"):
        assert words in said


def test_the_same_command_again_replaces_it_and_remove_forgets_it(
    monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path
) -> None:
    table = write_orders(tmp_path / "orders.csv", shoes_and_laces())
    assert run(monkeypatch, "orders", table, "--store", store.root) == 0
    first = store.ids("together")
    assert run(monkeypatch, "orders", table, "--store", store.root) == 0
    assert store.ids("together") == [store.current("together").name] != first
    assert run(monkeypatch, "orders", "--remove", "--store", store.root) == 0
    assert (store.ids("together"), store.has_current("together")) == ([], False)
    assert run(monkeypatch, "orders", "--remove", "--store", store.root) == 2


def test_orders_that_tell_nothing_leave_what_was_there(
    monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "orders", write_orders(tmp_path / "orders.csv", shoes_and_laces()), "--store", store.root)
    before = store.current("together")
    lonely = write_orders(tmp_path / "lonely.csv", [{f"p{number}"} for number in range(50)])
    assert run(monkeypatch, "orders", lonely, "--store", store.root) == 2
    assert "no two products that come together in 2 of them" in capfd.readouterr().err
    assert store.current("together") == before


def test_one_id_for_all_rows_is_pointed_out(
    monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = write_orders(tmp_path / "orders.csv", [[f"p{number}" for number in range(500)]])
    assert run(monkeypatch, "orders", table, "--store", store.root) == 2
    assert "has 0 orders" in (said := capfd.readouterr().err)
    assert "Is order_id the column that rows of one order share?" in said


def test_few_orders_are_used_and_it_is_said_that_nothing_was_compared(
    monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = write_orders(tmp_path / "orders.csv", [{"a", "b"}] * 3 + [{"c"}] * 3)
    assert run(monkeypatch, "orders", table, "--store", store.root) == 0
    assert "too few to compare methods, 100 were wanted" in capfd.readouterr().err
    assert TogetherCard.read(store.current("together")).validation == {}


def test_ids_of_another_kind_are_pointed_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    table = write_orders(tmp_path / "orders.csv", [{"sku-1", "sku-2"}] * 3 + [{"sku-3"}] * 3)
    assert run(monkeypatch, "orders", table, "--store", store.root) == 0
    assert "does the column product_id hold the same ids as the catalogue?" in capfd.readouterr().err


@pytest.mark.parametrize("arguments", [(), ("orders.csv", "--remove")])
def test_a_table_or_remove(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "orders", *arguments) == 2
