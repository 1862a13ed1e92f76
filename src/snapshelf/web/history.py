"""The last hour of a server, out of its counters, for those who have no Prometheus beside it."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from snapshelf.web.drift import DriftWindow
from snapshelf.web.staff_schemas import MomentOut, StageOut
from snapshelf.web.telemetry import Telemetry

Series = tuple[str, str, str]
"""What is counted: its name, the label that tells it from others, and the bucket where it has some."""


_TOLD_BY = ("stage", "reason", "verdict", "status")


class History:
    """What happened in each of the last steps of time. May be called from several threads."""

    step_s: Final = 10
    num_kept: Final = 360

    def __init__(self, telemetry: Telemetry, drift: DriftWindow) -> None:
        self._telemetry, self._drift = telemetry, drift
        self._moments: deque[MomentOut] = deque(maxlen=self.num_kept)
        self._lock = threading.Lock()
        self._before = self._counts()

    def note(self) -> None:
        """End a step: whoever opens this calls it every `step_s` seconds."""
        now = self._counts()
        with self._lock:
            grown = Counter({key: count - self._before[key] for key, count in now.items()})
            self._before = now
            self._moments.append(self._moment(grown))

    def moments(self) -> list[MomentOut]:
        """The steps that are kept, oldest first."""
        with self._lock:
            return list(self._moments)

    def _counts(self) -> Counter[Series]:
        """All counters as they stand now."""
        found: Counter[Series] = Counter()
        for metric in self._telemetry.registry.collect():
            for sample in metric.samples:
                told = next((sample.labels[name] for name in _TOLD_BY if name in sample.labels), "")
                found[sample.name, told, sample.labels.get("le", "")] += int(sample.value)
        return found

    def _moment(self, grown: Counter[Series]) -> MomentOut:
        by_status = _of(grown, "snapshelf_requests_total")
        return MomentOut(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            requests=sum(by_status.values()),
            failures=sum(count for status, count in by_status.items() if status >= "500"),
            refusals=_of(grown, "snapshelf_refusals_total"),
            verdicts=_of(grown, "snapshelf_verdicts_total"),
            stages=_stages(grown),
            in_flight=self._before["snapshelf_requests_in_flight", "", ""],
            waiting=self._before["snapshelf_photos_waiting", "", ""],
            drift={name: round(shift.value / shift.limit, 3) for name, shift in self._drift.shifts().items()},
        )


def _of(grown: Counter[Series], name: str) -> dict[str, int]:
    return {told: count for (found, told, _), count in grown.items() if found == name and count > 0}


def _stages(grown: Counter[Series]) -> dict[str, StageOut]:
    buckets: defaultdict[str, dict[float, int]] = defaultdict(dict)
    for (name, stage, limit), count in grown.items():
        if name == "snapshelf_stage_seconds_bucket":
            buckets[stage][float(limit)] = count
    return {
        stage: StageOut(p50_ms=1000 * quantile(counts, 0.5), p95_ms=1000 * quantile(counts, 0.95))
        for stage, counts in buckets.items()
        if counts[float("inf")]
    }


def quantile(counts: Mapping[float, int], share: float) -> float:
    """What `share` of the observations are below, by how many are up to each limit, as Prometheus' `histogram_quantile`
    has it: evenly spread within a bucket, and at most the highest limit that is a number."""
    wanted = share * counts[float("inf")]
    lower, below = 0.0, 0
    for limit, count in sorted(counts.items()):
        if count >= wanted and count > below:
            return lower if limit == float("inf") else lower + (limit - lower) * (wanted - below) / (count - below)
        lower, below = limit, count
    return lower
