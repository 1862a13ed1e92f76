"""Tables of orders: what is read, what is left out and named, and what may never be lost with it."""

from __future__ import annotations

import contextlib
import json
import math
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshelf.data.order_cells import identity, is_returned, moment
from snapshelf.data.orders import NUM_NAMED, Orders, read_orders
from snapshelf.errors import ConfigError, SourceError
from tests.baskets import write_orders

HEADING = "order_id,product_id,quantity,ordered_at\n"


def written(folder: Path, text: str, name: str = "orders.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def baskets(orders: Orders) -> list[set[str]]:
    parts = np.split(orders.product_L, orders.start_O[1:-1])
    return [{orders.product_ids[number] for number in part} for part in parts]


def test_rows_of_an_order_may_stand_anywhere_and_a_product_counts_once(tmp_path: Path) -> None:
    orders = read_orders(written(tmp_path, HEADING + "1,b,1,\n2,a,1,\n1,a,2,\n1,b,3,\n"), {})
    assert baskets(orders) == [{"a", "b"}, {"a"}]
    assert (orders.num_rows, orders.num_rejected, len(orders)) == (4, 0, 2)


@settings(deadline=None)
@given(st.lists(st.sets(st.sampled_from("abcdefg"), min_size=1), min_size=1, max_size=20))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, given_baskets: list[set[str]]) -> None:
    table = write_orders(tmp_path_factory.mktemp("orders") / "orders.csv", given_baskets)
    assert baskets(read_orders(table, {})) == given_baskets


def test_rows_that_cannot_be_used_are_named_and_the_others_kept(tmp_path: Path) -> None:
    text = "1,a,1,2026-01-01\n,b,1,\n1,,1,\n1,b,many,\n1,c,1,soon\n1,d\n2,e,1,2026-01-02\n"
    orders = read_orders(written(tmp_path, HEADING + text), {})
    assert baskets(orders) == [{"a"}, {"e"}]
    assert [(bad.path, bad.reason.split(";")[0]) for bad in orders.rejected] == [
        ("orders.csv row 3", "order_id is empty"),
        ("orders.csv row 4", "product_id is empty"),
        ("orders.csv row 5", "quantity is 'many'"),
        ("orders.csv row 6", "ordered_at is 'soon'"),
        ("orders.csv row 7", "has 2 cells where the heading has 4"),
    ]


def test_all_bad_rows_are_counted_and_only_the_first_are_named(tmp_path: Path) -> None:
    orders = read_orders(written(tmp_path, HEADING + "1,a,,\n" + ",b,,\n" * (NUM_NAMED + 5)), {})
    assert (orders.num_rejected, len(orders.rejected)) == (NUM_NAMED + 5, NUM_NAMED)


def test_what_was_given_back_was_not_bought(tmp_path: Path) -> None:
    orders = read_orders(written(tmp_path, HEADING + "1,a,1,\n1,b,-1,\n1,c,0,\n2,d,-2,\n"), {})
    assert (baskets(orders), orders.num_returned, orders.num_rejected) == ([{"a"}], 3, 0)


def test_an_order_is_as_late_as_its_latest_row(tmp_path: Path) -> None:
    text = "1,a,,2026-01-02\n1,b,,2026-01-03T12:00:00Z\n1,c,,\n2,a,,\n"
    orders = read_orders(written(tmp_path, HEADING + text), {})
    assert orders.ordered_at_O[0] == datetime(2026, 1, 3, 12, tzinfo=UTC).timestamp()
    assert math.isnan(orders.ordered_at_O[1])


def test_columns_are_found_by_the_names_of_snapshelf_toml_and_in_any_capitals(tmp_path: Path) -> None:
    table = written(tmp_path, "Bestellung,PRODUCT_ID\n1,a\n1,b\n")
    assert baskets(read_orders(table, {"order_id": "bestellung"})) == [{"a", "b"}]


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ({}, SourceError, r"no column 'order_id'; it has order, product_id\..*under \[order_columns\]: order_id"),
        ({"order_id": "order", "quantity": "pieces"}, SourceError, "no column 'pieces'"),
        ({"orderid": "order"}, ConfigError, r"\[order_columns\] names 'orderid'; expected names out of order_id"),
    ],
)
def test_a_missing_column_is_answered_with_those_that_are_there(
    tmp_path: Path, columns: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_orders(written(tmp_path, "order,product_id\n1,a\n"), columns)


def test_a_table_without_a_row_to_use_says_why(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no row that can be used \(2 rows, 1 of them .*1 were given back"):
        read_orders(written(tmp_path, HEADING + ",a,1,\n1,a,-1,\n"), {})


def test_parquet_and_json_lines_are_read_alike(tmp_path: Path) -> None:
    eight = datetime(2026, 1, 1, 8, tzinfo=UTC)
    rows: list[dict[str, object]] = [
        {"order_id": 7, "product_id": 1, "quantity": 1.0, "ordered_at": eight, "till": "x"},
        {"order_id": 7, "product_id": 2, "quantity": None, "ordered_at": eight, "till": "x"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "orders.parquet")
    lines = [json.dumps({**row, "ordered_at": eight.isoformat()}) for row in rows]
    lines.insert(1, json.dumps({"order_id": [7], "product_id": 3}))
    from_lines = read_orders(written(tmp_path, "\n".join(lines), "orders.jsonl"), {})
    from_parquet = read_orders(tmp_path / "orders.parquet", {})
    assert baskets(from_lines) == baskets(from_parquet) == [{"1", "2"}]
    assert from_lines.ordered_at_O.tolist() == from_parquet.ordered_at_O.tolist()
    assert [bad.path for bad in from_lines.rejected] == ["orders.jsonl row 2"]


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[int] = []
    read_orders(written(tmp_path, HEADING + "1,a,,\n" * 20_001), {}, told.append)
    assert told == [10_000, 10_000]


@pytest.mark.parametrize(("cell", "returned"), [(None, False), ("", False), (2, False), ("0,5", False), ("-1", True)])
def test_quantities(cell: object, returned: bool) -> None:
    assert is_returned(cell) is returned


@pytest.mark.parametrize("cell", ["nan", "inf", "two", "1e999"])
def test_a_quantity_that_is_none(cell: str) -> None:
    with pytest.raises(SourceError, match="quantity is"):
        is_returned(cell)


@pytest.mark.parametrize("cell", ["2026-03-01", " 2026-03-01T00:00:00 ", "2026-03-01T01:00:00+01:00", date(2026, 3, 1)])
def test_moments_are_in_utc(cell: object) -> None:
    assert moment(cell) == datetime(2026, 3, 1, tzinfo=UTC).timestamp()


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.datetimes(), st.dates()))
def test_any_cell_is_read_or_refused_in_words(cell: object) -> None:
    for name, read in (
        ("quantity", is_returned),
        ("ordered_at", moment),
        ("order_id", partial(identity, name="order_id")),
    ):
        with contextlib.suppress(SourceError):
            assert read(cell) is not None, name
