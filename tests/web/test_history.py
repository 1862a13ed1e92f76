"""The last hour of a server, as staff see it."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from snapshelf.web.drift import DriftWindow
from snapshelf.web.history import History, quantile
from snapshelf.web.telemetry import Telemetry
from tests.tiny_store import COLOURS, photo_bytes
from tests.web.conftest import ADMIN

INF = float("inf")


def test_each_step_has_what_happened_in_it() -> None:
    telemetry = Telemetry()
    telemetry.requests.labels("GET", "/", "200").inc(7)
    history = History(telemetry, DriftWindow())
    telemetry.requests.labels("GET", "/", "200").inc(3)
    telemetry.requests.labels("POST", "/", "200").inc(2)
    telemetry.requests.labels("POST", "/", "503").inc()
    telemetry.refusals.labels("service-unavailable").inc()
    telemetry.verdicts.labels("likely").inc(2)
    telemetry.in_flight.set(4)
    for _ in range(10):
        telemetry.stages.labels("encode").observe(0.007)
    history.note()
    history.note()
    first, second = history.moments()
    assert (first.requests, first.failures, first.in_flight) == (6, 1, 4)
    assert (first.refusals, first.verdicts) == ({"service-unavailable": 1}, {"likely": 2})
    assert list(first.stages) == ["encode"]
    assert 5 < first.stages["encode"].p50_ms < first.stages["encode"].p95_ms < 10
    assert (second.requests, second.refusals, second.stages) == (0, {}, {})


def test_an_hour_is_kept() -> None:
    history = History(Telemetry(), DriftWindow())
    for _ in range(370):
        history.note()
    assert len(history.moments()) * history.step_s == 3600


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ({1.0: 10, 2.0: 10, INF: 10}, 0.5, 0.5),
        ({1.0: 0, 2.0: 10, INF: 10}, 0.5, 1.5),
        ({1.0: 4, 2.0: 8, INF: 10}, 0.8, 2.0),
        ({1.0: 4, 2.0: 8, INF: 10}, 0.95, 2.0),
        ({1.0: 0, 2.0: 0, INF: 3}, 0.5, 2.0),
    ],
)
def test_quantiles_out_of_buckets(counts: dict[float, int], share: float, expected: float) -> None:
    assert quantile(counts, share) == pytest.approx(expected)


def test_staff_see_it(client: TestClient) -> None:
    client.post("/api/v1/recommendations", files={"photo": photo_bytes(COLOURS["red thing"])})
    client.app.state.server.history.note()  # type: ignore[attr-defined]
    found = client.get("/api/v1/admin/health", headers=ADMIN).json()
    assert found["step_s"] == 10
    moment = found["moments"][-1]
    assert (moment["requests"], moment["verdicts"]) == (1, {"confident": 1})
    assert {"decode", "encode", "search"} <= set(moment["stages"])
