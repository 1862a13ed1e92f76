"""How often does `snapshelf drift` call photos changed that are not, and how often does it miss those that are?

    python bench/bench_drift.py SOURCE [OTHER_SOURCE] [--store DIR]

SOURCE is a folder of photos in folders of classes. Half of its photos are learnt from (recipe quick) and are the
catalogue, 15 of 100 are the validation photos and so the baseline, the others are held out: no part of the model has
seen them. OTHER_SOURCE shows other goods. With --store, what was prepared and trained is kept there and used again.

- False alarms: samples of held-out photos against the model's baseline, and against a baseline that is drawn anew each
  time from the held-out photos, so that the draws do not all share the luck of one baseline.
- Power: the same for photos that were changed, for other goods, and for another mix of classes.
- Rivals: the rule of thumb (PSI above 0.25, whatever the number of photos), Kolmogorov-Smirnov tests in place of PSI,
  and the energy distance (Szekely and Rizzo 2013), judged by 999 permutations, in place of the distance of means.
- What it costs a server, a photo and a look at /metrics.

Prints tables; the last line is JSON. Shapes: N usual photos, M photos of now, Q quantities, D numbers an embedding.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from drift_photos import CHANGES, Photos, draws, looked_at, made, photo_files
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import ks_2samp

from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.drift.baseline import Baseline
from snapshelf.drift.judgement import Usual, known, similarities
from snapshelf.drift.quantities import QUANTITIES, of_picture
from snapshelf.imaging.decode import DecodeLimits, decode
from snapshelf.metrics.drift import FALSE_ALARMS, Cloud, chi_squared
from snapshelf.recommend.recommender import Look
from snapshelf.settings import load_settings
from snapshelf.web.drift import WINDOW, DriftWindow
from snapshelf.wiring import open_encoder, open_shelf

NUM_CHANGED = 300
"""Held-out photos that are changed in each way."""
SIZES = (50, 100, 200, 500)
DRAWS, DRAWS_OF_RIVALS = 1000, 200
NUM_DRAWN_BASELINE = 400
NUM_TESTS = len(QUANTITIES) + 1


def main() -> None:
    """Measure, print the tables, and all of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=Path)
    parser.add_argument("other", nargs="?", type=Path)
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    if arguments.source is None:
        parser.exit(message="Skipped: name a folder of photos in folders of classes.\n")
    with tempfile.TemporaryDirectory() as temporary:
        found = measured(arguments.source, arguments.other, arguments.store or Path(temporary) / "store")
    print(json.dumps(found))


def measured(source: Path, other: Path | None, root: Path) -> dict[str, object]:
    """All tables."""
    store, held_out = made(source, root)
    settings = load_settings()
    shelf, encoder = open_shelf(store, settings), open_encoder(store, settings)
    try:
        own = Baseline.read(store.current("models"), encoder.card)
        usual_N = similarities(shelf.index, own.embedding_ND)
        usual = Usual(own, encoder.card.labels, usual_N)
        held = looked_at(encoder, shelf.index, held_out)
        rows = np.random.default_rng(1).permutation(len(held_out))[:NUM_CHANGED]
        changed = {
            name: looked_at(encoder, shelf.index, [held_out[row] for row in rows], change)
            for name, change in CHANGES.items()
        }
        if other:
            changed[f"other goods: {other.name}"] = looked_at(
                encoder, shelf.index, photo_files(other)[: 2 * NUM_CHANGED]
            )
        labels = np.array(encoder.card.labels)
        largest = int(np.bincount(held.values_MQ[:, 0].astype(int)).argmax())
        changed[f"no {labels[largest]}"] = held.some(np.flatnonzero(held.values_MQ[:, 0] != largest))
    finally:
        shelf.close()
    print(
        f"baseline {len(own)} photos, held out {len(held)}, learnt from {len(photo_files(root / 'photos' / 'train'))}"
    )
    return {
        "false_alarms": false_alarms(usual, own, held, encoder.card.labels),
        "power": power(usual, changed),
        "rivals": rivals(usual, own.embedding_ND, held, changed),
        "cost_us": cost(encoder, usual, held_out[0]),
    }


def moved(usual: Usual, photos: Photos) -> list[str]:
    """What the command would name."""
    found: list[str] = [name for name, shift in usual.shifts(photos.values_MQ).items() if shift.is_drift]
    embedding = usual.embedding_shift(photos.embedding_MD.mean(axis=0), len(photos))
    return [*found, "embedding"] if embedding and embedding.is_drift else found


def false_alarms(usual: Usual, own: Baseline, held: Photos, labels: list[str]) -> dict[str, dict[int, float]]:
    """How often anything is named."""
    table: dict[str, dict[int, float]] = {"the model's baseline": {}, "a baseline drawn anew": {}}
    blamed: Counter[str] = Counter()
    for size in SIZES:
        named = [moved(usual, each) for each in draws(held, size, DRAWS)]
        blamed.update(name for names in named for name in names)
        table["the model's baseline"][size] = float(np.mean([bool(names) for names in named]))
        anew = []
        for each in draws(held, NUM_DRAWN_BASELINE + size, DRAWS):
            first, rest = np.arange(NUM_DRAWN_BASELINE), np.arange(NUM_DRAWN_BASELINE, len(each))
            drawn = Baseline(own.onnx_sha256, "", each.values_MQ[first], each.embedding_MD[first])
            anew.append(bool(moved(Usual(drawn, labels, each.values_MQ[first, 3]), each.some(rest))))
        table["a baseline drawn anew"][size] = float(np.mean(anew))
    print(
        f"\nFalse alarms of {DRAWS} draws (meant: {FALSE_ALARMS:.1%})\n{'photos':32}"
        + "".join(f"{n:>8}" for n in SIZES)
    )
    for name, rates in table.items():
        print(f"{name:32}" + "".join(f"{rate:8.1%}" for rate in rates.values()))
    print("named:", dict(blamed) or "nothing")
    return table


def power(usual: Usual, changed: Mapping[str, Photos]) -> dict[str, dict[str, object]]:
    """How often photos that were changed are found to be, and what is named for most."""
    table: dict[str, dict[str, object]] = {}
    sizes = SIZES[:3]
    print(
        f"\nFound, of {DRAWS_OF_RIVALS} draws\n{'photos':32}"
        + "".join(f"{n:>8}" for n in sizes)
        + "   named, all photos"
    )
    for name, photos in changed.items():
        rates = {
            size: float(np.mean([bool(moved(usual, each)) for each in draws(photos, size, DRAWS_OF_RIVALS)]))
            for size in sizes
        }
        named = moved(usual, photos)
        table[name] = {"found": rates, "named": named}
        print(f"{name:32}" + "".join(f"{rate:8.1%}" for rate in rates.values()) + f"   {', '.join(named) or 'nothing'}")
    return table


def rivals(
    usual: Usual, usual_embedding_ND: NDArray[np.float32], held: Photos, changed: Mapping[str, Photos]
) -> dict[str, dict[str, float]]:
    """Other tests on draws of 100 photos: how often each fires."""
    size, level = 100, 0.01
    cloud = Cloud.of(usual_embedding_ND)

    def means(photos: Photos) -> bool:
        mean_D, num = photos.embedding_MD.mean(axis=0), len(photos)
        scatter = (1 / cloud.num_photos + 1 / num) * chi_squared(1 - level, cloud.directions) / cloud.directions
        return cloud.shift(mean_D, num, level).value ** 2 > scatter

    tests: Mapping[str, Callable[[Photos], bool]] = {
        "any PSI over 0.25": lambda photos: any(each.value > 0.25 for each in usual.shifts(photos.values_MQ).values()),
        "any PSI over its limit": lambda photos: any(each.is_drift for each in usual.shifts(photos.values_MQ).values()),
        "Kolmogorov-Smirnov": lambda photos: smallest_p(usual, photos) < FALSE_ALARMS / NUM_TESTS,
        "means, 1 %": means,
        "energy, 1 %": lambda photos: energy_p(usual_embedding_ND, photos.embedding_MD) < level,
    }
    table: dict[str, dict[str, float]] = {}
    print(f"\nRivals, {size} photos, {DRAWS_OF_RIVALS} draws\n{'photos':32}" + "".join(f"{name:>24}" for name in tests))
    for name, photos in {"held out": held, **changed}.items():
        table[name] = {
            test: float(np.mean([fires(each) for each in draws(photos, size, DRAWS_OF_RIVALS)]))
            for test, fires in tests.items()
        }
        print(f"{name:32}" + "".join(f"{rate:24.1%}" for rate in table[name].values()), flush=True)
    return table


def smallest_p(usual: Usual, photos: Photos) -> float:
    """Of the tests of all quantities but the class."""
    return min(
        float(ks_2samp(usual.known(name), known(photos.values_MQ, name), method="asymp").pvalue)
        for name in QUANTITIES[1:]
    )


def energy_p(usual_ND: NDArray[np.float32], now_MD: NDArray[np.float32]) -> float:
    """How often the energy distance of photos that were mixed is as large as that of these: 999 times."""
    both = np.concatenate([usual_ND, now_MD])
    distances = cdist(both, both).astype(np.float32)
    random, num_now = np.random.default_rng(0), len(now_MD)
    weights = np.full((len(both), 1000), 1 / len(usual_ND), np.float32)
    for column in range(1000):
        rows = random.permutation(len(both))[:num_now] if column else slice(len(usual_ND), None)
        weights[rows, column] = -1 / num_now
    energy = -(weights * (distances @ weights)).sum(axis=0)
    return float((energy >= energy[0] - 1e-6).mean())


def cost(encoder: ModelEncoder, usual: Usual, path: Path) -> dict[str, float]:
    """Microseconds that a server spends, the best of several rounds."""
    image = decode(path.read_bytes(), DecodeLimits(), needed_px=encoder.preprocess.size_px).image
    pixels_SSC = np.ascontiguousarray(encoder.preprocess.apply(image))
    look = Look(encoder.encode(pixels_SSC[None]), (), 0.0, image.size, pixels_SSC)
    window = DriftWindow()
    window.compare_with(usual, encoder.card.id)
    for _ in range(WINDOW):
        window.observe(look, encoder.card, 0.5)
    found = {
        "a photo": best_us(lambda: window.observe(look, encoder.card, 0.5)),
        "of that, brightness to aspect": best_us(lambda: of_picture(pixels_SSC, image.size)),
        "the model, to compare": best_us(lambda: encoder.encode(pixels_SSC[None])),
        "a look at /metrics": best_us(window.shifts),
    }
    print("\nMicroseconds\n" + "\n".join(f"{name:32}{value:8,.0f}" for name, value in found.items()))
    return found


def best_us(work: Callable[[], object]) -> float:
    """Of seven rounds of ten."""
    rounds = []
    for _ in range(7):
        started = time.perf_counter()
        for _ in range(10):
            work()
        rounds.append((time.perf_counter() - started) / 10)
    return round(1e6 * min(rounds), 1)


if __name__ == "__main__":
    main()
