"""Prometheus metrics of one server."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Counted by name; strangers may make up others, of which each would be a series for good."""

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Telemetry:
    """Counters, gauges and histograms; a registry of its own, so that several servers can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "snapshelf_requests", "Requests by route and status.", ["method", "route", "status"], registry=self.registry
        )
        self.duration = Histogram(
            "snapshelf_request_seconds",
            "Time to answer, by route.",
            ["route"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self.stages = Histogram(
            "snapshelf_stage_seconds",
            "Time of a photo's stages: wait (for a free core), decode, encode, search.",
            ["stage"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self.verdicts = Counter("snapshelf_verdicts", "Predictions by verdict.", ["verdict"], registry=self.registry)
        self.repeated = Counter(
            "snapshelf_repeated_photos", "Photos that had been looked at shortly before.", registry=self.registry
        )
        self.shadow = Counter(
            "snapshelf_shadow_photos",
            "Photos that the shadow model looked at, by both verdicts and whether it takes them for the same.",
            ["serving", "shadow", "agrees"],
            registry=self.registry,
        )
        self.shadow_passed = Counter(
            "snapshelf_shadow_passed_over", "Photos that came while the shadow was at another.", registry=self.registry
        )
        self.refusals = Counter(
            "snapshelf_refusals", "Answers with a problem, by its kind.", ["reason"], registry=self.registry
        )
        self.in_flight = Gauge(
            "snapshelf_requests_in_flight", "Requests with a body that are under way.", registry=self.registry
        )
        self.waiting = Gauge("snapshelf_photos_waiting", "Photos that wait for a free core.", registry=self.registry)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class RequestTelemetry:
    """Counts and times every request by its route's template, so that ids in paths do not multiply the series."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self.app = app
        self.telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = route_of(scope)
            self.telemetry.requests.labels(method_of(scope), route, str(status)).inc()
            self.telemetry.duration.labels(route).observe(time.perf_counter() - started)
            if problem := scope.get("state", {}).get("problem"):
                self.telemetry.refusals.labels(problem).inc()


def route_of(scope: Scope) -> str:
    """The template of the route that answered, `other` where none did."""
    return getattr(scope.get("route"), "path", "other")


def method_of(scope: Scope) -> str:
    """The request's method, `other` for made-up ones."""
    return scope["method"] if scope["method"] in _METHODS else "other"
