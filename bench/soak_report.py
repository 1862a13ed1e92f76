"""What a soak found: its checks, in words, and a picture.

    python bench/soak_report.py FOLDER/soak.jsonl [--plot soak.webp]

Nothing failed that should not have; nothing was lost; the same photos were answered alike; and nothing grew: the slope
of memory, handles and threads (Theil–Sen: the median of the slopes between any two samples) of the process that ran
longest, after the first quarter of its life, in which every kind of event happens once, stays within what is allowed;
so does the difference of the medians of the first and the last quarter of that. Exits with 1 where a check fails.
`--plot` needs matplotlib. The last line is JSON.

Theil–Sen: P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, 1968.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

WARM_UP = 0.25
"""This share of a process's samples is passed over."""

ALLOWED = {"own_mb": 0.1, "handles": 0.1, "threads": 0.1}
"""The growth in an hour, as a share of the median, that is taken for noise: a model that is opened beside the other one
takes half as much again for a moment."""

_TICKS_MS = (10, 30, 100, 300, 1000)

UNITS = {"own_mb": "MB of its own memory", "handles": "handles", "threads": "threads"}

Lines = list[dict[str, Any]]


def growth(samples: Lines, name: str) -> dict[str, float]:
    """The slope in an hour, what is at the beginning and at the end, and what is allowed."""
    kept = samples[int(len(samples) * WARM_UP) :]
    hours = np.array([each["at_s"] for each in kept]) / 3600
    values = np.array([each[name] for each in kept], float)
    first, second = np.triu_indices(len(kept), 1)
    slope = float(np.median((values[second] - values[first]) / (hours[second] - hours[first])))
    quarter = max(1, len(kept) // 4)
    early, late = float(np.median(values[:quarter])), float(np.median(values[-quarter:]))
    return {
        "an_hour": round(slope, 2), "early": round(early, 1), "late": round(late, 1), "most": float(values.max()),
        "allowed": round(ALLOWED[name] * float(np.median(values)), 1),
    }  # fmt: skip


def longest_life(samples: Lines) -> Lines:
    """The samples of the process that was sampled most."""
    pid, _ = Counter(each["pid"] for each in samples).most_common(1)[0]
    return [each for each in samples if each["pid"] == pid]


def report(lines: Lines) -> dict[str, Any]:
    """Print what was found; returns it with whether all is well."""
    of_kind = {kind: [each for each in lines if each["kind"] == kind] for kind in
               ("run", "sample", "event", "check", "unexpected", "answers", "end")}  # fmt: skip
    run, samples = of_kind["run"][0], of_kind["sample"]
    outcomes: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    for each in samples:
        outcomes.update(each["outcomes"])
        verdicts.update(each["verdicts"])
    minutes = (samples[-1]["at_s"] - samples[0]["at_s"]) / 60
    print(f"{minutes:.0f} minutes, {sum(outcomes.values()):,} requests, {run['rate']:g} a second, {run['cores']} cores")
    for name, count in outcomes.most_common():
        print(f"  {count:7,} {name}")
    print(f"verdicts: {', '.join(f'{count:,} {name}' for name, count in verdicts.most_common())}")
    for event in of_kind["event"]:
        said = {key: value for key, value in event.items() if key not in ("kind", "at_s", "name", "seconds")}
        print(f"  {event['at_s'] / 60:5.1f} min  {event['name']:8} {event['seconds']:6.1f} s  {said}")
    searches = [each for each in samples if each["searches"]]
    times = {f"p{share}_ms": float(np.median([each[f"p{share}_ms"] for each in searches])) for share in (50, 95, 99)}
    print(f"a search, the median of the samples: {times}")
    grown = {name: growth(longest_life(samples), name) for name in ALLOWED}
    for name, each in grown.items():
        print(
            f"{UNITS[name]}: at first {each['early']:g}, at the end {each['late']:g}, at most {each['most']:g}; "
            f"{each['an_hour']:+g} an hour (allowed {each['allowed']:g})"
        )
    store = [each["store_mb"] for each in samples]
    print(f"the store: {store[0]:g} MB at the beginning, at most {max(store):g}, {store[-1]:g} at the end")
    lost = [wrong for check in of_kind["check"] for wrong in check["lost"]]
    checks = {
        "no unexpected answer": not of_kind["unexpected"],
        "nothing lost": not lost,
        "the same answers": all(check["same_answers"] for check in of_kind["check"]),
        "nothing grows": all(
            each["an_hour"] <= each["allowed"] and each["late"] - each["early"] <= each["allowed"]
            for each in grown.values()
        ),
        "no error in the log": not of_kind["end"][0]["log_errors"] if of_kind["end"] else False,
    }
    for each in of_kind["unexpected"][:10]:
        print(f"  unexpected: {each}")
    for wrong in lost[:10]:
        print(f"  lost: {wrong}")
    for name, is_well in checks.items():
        print(f"{'ok    ' if is_well else 'FAILED'} {name}")
    last = of_kind["check"][-1]
    print(f"{len(of_kind['check'])} times all that was acknowledged was looked for;", end=" ")
    print(f"the last time {last['products']:,} products and {last['feedback']:,} remarks")
    return {"outcomes": dict(outcomes), "search": times, "growth": grown, "checks": checks}


def plot(file: Path, lines: Lines) -> None:
    """Memory, handles, latencies and outcomes over the minutes, with what happened."""
    from matplotlib.figure import Figure  # noqa: PLC0415 (where it is installed)

    samples = [each for each in lines if each["kind"] == "sample"]
    minutes = [each["at_s"] / 60 for each in samples]
    colours = {"model": "tab:purple", "rebuild": "tab:red", "backup": "tab:green", "restart": "black"}
    figure = Figure(figsize=(11, 8.5), layout="constrained", dpi=90)
    memory, handles, latencies, outcomes = figure.subplots(4, 1, sharex=True)
    for name, label in (("rss_mb", "with mapped files"), ("own_mb", "its own")):
        memory.plot(minutes, [each[name] for each in samples], label=label)
    memory.set(ylabel="memory, MB", ylim=(0, None))
    for name in ("handles", "threads"):
        handles.plot(minutes, [each[name] for each in samples], label=name)
    handles.set(ylabel="handles, threads", ylim=(0, None))
    for name in ("p99_ms", "p95_ms", "p50_ms"):
        latencies.plot(minutes, [each[name] or None for each in samples], label=f"p{name[1:3]}", linewidth=0.9)
    latencies.set(ylabel="a search, ms", yscale="log", yticks=_TICKS_MS, yticklabels=_TICKS_MS)
    latencies.minorticks_off()
    refused = [sum(n for name, n in each["outcomes"].items() if name.startswith("refused")) for each in samples]
    for label, counts in (
        ("as wanted", [each["outcomes"].get("good", 0) for each in samples]),
        ("refused, as it should be", refused),
        ("unexpected", [each["outcomes"].get("unexpected", 0) for each in samples]),
    ):
        outcomes.plot(minutes, counts, label=label, linewidth=0.9)
    outcomes.set(ylabel="answers in 5 s", xlabel="minutes", ylim=(0, None))
    for event in (each for each in lines if each["kind"] == "event"):
        ends = event["at_s"] / 60
        for axes in (memory, handles, latencies, outcomes):
            axes.axvspan(ends - event["seconds"] / 60, ends, color=colours[event["name"]], alpha=0.25, linewidth=0.8)
    for name, colour in colours.items():
        memory.axvspan(0, 0, color=colour, alpha=0.25, label=name)
    for axes in (memory, handles, latencies, outcomes):
        axes.grid(alpha=0.3)
        axes.legend(loc="lower left" if axes in (memory, handles) else "upper left", fontsize="x-small", ncols=6)
    figure.savefig(file)


def main(arguments: list[str] | None = None) -> int:
    """Read, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journal", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args(arguments)
    lines = [json.loads(line) for line in options.journal.read_text("utf-8").splitlines()]
    found = report(lines)
    if options.plot:
        plot(options.plot, lines)
    print(json.dumps(found))
    return 0 if all(found["checks"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
