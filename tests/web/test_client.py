"""The Python client against a real server: every route of the API has a method, every problem its fields."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from snapshelf.client import Client
from snapshelf.errors import ApiError, ServerUnreachableError
from snapshelf.settings import Settings
from snapshelf.web.feedback_schemas import FeedbackIn
from snapshelf.web.schemas import ProductIn
from snapshelf.web.staff_schemas import ReviewIn
from snapshelf.wiring import open_shelf
from tests.serving import served
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes

KEY = "open-sesame"
RED = COLOURS["red thing"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(admin_key=SecretStr(KEY), threads=1, max_upload_bytes=200_000)
    with served(open_shelf(build_tiny_store(tmp_path_factory.mktemp("client")), settings), settings) as running:
        yield running


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address) as running:
        yield running


@pytest.fixture
def staff(address: str) -> Iterator[Client]:
    with Client(address, admin_key=KEY) as running:
        yield running


def test_a_photo_is_recognised_and_filters_hold(client: Client) -> None:
    answer = client.recommend(photo_bytes(RED, 77), box=(0.1, 0.1, 0.5, 0.5), top_k=2, in_stock=True, price_min=11)
    assert (answer.prediction.label, answer.prediction.verdict) == ("red thing", "confident")
    assert len(answer.recommendations) == 2
    assert all(each.product.in_stock and each.product.price is not None for each in answer.recommendations)


def test_more_like_this(client: Client) -> None:
    found = client.similar(["p02"], unlike=["p00"], attribute=["brand:Acme"], top_k=3).recommendations
    assert found[0].product.category == "red thing"
    assert "p02" not in [each.product.id for each in found]


def test_what_there_is(client: Client) -> None:
    assert client.facets(category="red thing").num_products == 4
    assert client.categories().categories[0].num_products == 4
    assert client.products(limit=2, category="red thing").total == 4
    assert client.products(text="green 4", limit=1).products[0].title == "Green Thing 4"
    assert client.product("p02").title == "Red Thing 2"
    assert client.product_image("p02")[:4] == b"RIFF"
    assert client.bought_together("p02", in_stock=True).bought_together == []
    assert client.store().max_upload_bytes == 200_000


def test_where_it_matches(client: Client) -> None:
    assert client.match("p02", photo_bytes(RED, 7)).similarity > 0.9


def test_feedback_reaches_the_staff(client: Client, staff: Client) -> None:
    request_id = client.recommend(photo_bytes(RED, 8)).request_id
    receipt = client.give_feedback(FeedbackIn(request_id=request_id, helpful=False, correct_label="green thing"))
    newest = staff.feedback(limit=1).feedback[0]
    assert (newest.id, newest.correct_label, newest.predicted_label) == (receipt.id, "green thing", "red thing")
    reviewed = staff.review_feedback(receipt.id, ReviewIn(state="accepted", label="blue thing"))
    assert (reviewed.state, reviewed.label) == ("accepted", "blue thing")
    assert staff.feedback(state="waiting").total == 0


def test_feedback_with_a_photo_and_taken_back(client: Client, staff: Client) -> None:
    before = staff.feedback().total
    said = FeedbackIn(request_id="r1", helpful=True, box=[0.1, 0.1, 0.5, 0.5])
    receipt = client.give_feedback(said, photo=photo_bytes(RED, 8))
    assert receipt.photo_kept
    assert staff.feedback_photo(receipt.id)[:2] == b"\xff\xd8"
    client.undo_feedback(receipt)
    assert staff.feedback().total == before


def test_models_and_health(staff: Client) -> None:
    (model,) = staff.models().models
    assert (model.id, model.state) == ("tiny-1", "serving")
    with pytest.raises(ApiError, match="tiny-1 alone"):
        staff.use_model("tiny-2")
    assert staff.health().step_s == 10


def test_a_product_is_put_changed_and_deleted(staff: Client) -> None:
    told = ProductIn(title="Lamp", category="lamp", price=9, url="https://shop.example/lamp")
    assert staff.put_product("a/b c", told, photo=photo_bytes(RED, 500)).title == "Lamp"
    assert staff.put_product("a/b c", told.model_copy(update={"title": "Lantern"})).title == "Lantern"
    assert staff.product("a/b c").title == "Lantern"
    staff.delete_product("a/b c")
    with pytest.raises(ApiError, match="There is no product 'a/b c'") as missing:
        staff.product("a/b c")
    assert (missing.value.status, missing.value.type) == (404, "urn:snapshelf:problem:product-not-found")


def test_problems_have_their_fields(client: Client) -> None:
    with pytest.raises(ApiError) as refused:
        client.recommend(b"no photo at all")
    problem = refused.value
    assert (problem.status, problem.title) == (415, "Unsupported Media Type")
    assert problem.type == "urn:snapshelf:problem:not-a-photo"
    assert "Not a picture" in problem.detail
    assert problem.retry_after_s is None


@pytest.mark.parametrize(
    ("data", "kind"), [(bytes(300_000), "photo-too-many-bytes"), (photo_bytes(RED, 1)[:99], "photo-broken")]
)
def test_each_problem_has_its_type(client: Client, data: bytes, kind: str) -> None:
    with pytest.raises(ApiError) as refused:
        client.recommend(data)
    assert refused.value.type == f"urn:snapshelf:problem:{kind}"


def test_a_wrong_key_is_told(address: str) -> None:
    with Client(address, admin_key="guess") as guessing, pytest.raises(ApiError, match="admin key") as refused:
        guessing.feedback()
    assert refused.value.status == 401


def test_the_wait_is_read(tmp_path: Path) -> None:
    settings = Settings(threads=1, rate_limit=1)
    with served(open_shelf(build_tiny_store(tmp_path), settings), settings) as address, Client(address) as client:
        client.recommend(photo_bytes(RED, 1))
        with pytest.raises(ApiError) as refused:
            client.recommend(photo_bytes(RED, 1))
    assert refused.value.status == 429
    assert refused.value.retry_after_s is not None
    assert 1 <= refused.value.retry_after_s <= 60


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(ServerUnreachableError, match="does not answer"):
        client.categories()


@pytest.fixture
def closing_address() -> Iterator[tuple[str, list[bytes]]]:
    """A server that closes each connection at its second request, as one whose patience has just ended does; and the
    first words of every request."""
    heads: list[bytes] = []
    answer = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{"categories":[]}'
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        heads.append(connection.recv(65_536).partition(b" HTTP")[0])
                        connection.sendall(answer)
                        heads.append(connection.recv(65_536).partition(b" HTTP")[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heads


def test_a_kept_connection_that_the_server_closes_is_no_failure(closing_address: tuple[str, list[bytes]]) -> None:
    address, heads = closing_address
    with Client(address) as client:
        client.categories()
        client.categories()
        assert heads == [b"GET /api/v1/categories"] * 3
        with pytest.raises(ServerUnreachableError):  # it might be kept twice
            client.give_feedback(FeedbackIn(request_id="r1", helpful=True))


def test_something_else_there(address: str) -> None:
    with Client(f"{address}/docs?") as client, pytest.raises(ServerUnreachableError, match="no snapshelf server"):
        client.categories()
