"""Are the doubles found that Fashion-MNIST had at first? And does it have any now?

    python bench/bench_doubles.py

Issue 44 of zalandoresearch/fashion-mnist lists 43 pairs in training, one in test, and ten photos in both. They were
replaced in August 2017 (pull request 45). `prepare` is run on the files as they are now, and on a copy into which
such doubles are put again, at the same places; of the ten in both the last five are at places of our own.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

from snapshelf.artifacts.store import Store
from snapshelf.data.sources.fashion_mnist import NAMES
from snapshelf.data.sources.fashion_mnist_files import find_or_fetch
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.checks import Checks
from snapshelf.pipelines.prepare import prepare
from snapshelf.settings import load_settings

# fmt: off
IN_TRAINING = [
    (601, 39865), (831, 24228), (1826, 23718), (2024, 53883), (4974, 6293), (5520, 49165), (5790, 11845),
    (5822, 33399), (6139, 37731), (6280, 41036), (8485, 31238), (8841, 28184), (12571, 56657), (14096, 32343),
    (14710, 22159), (15587, 28635), (19308, 20114), (19668, 21571), (19760, 39489), (19888, 24443), (21072, 32800),
    (22852, 28789), (23052, 57107), (23413, 33731), (24785, 46015), (25297, 40077), (25629, 49588), (26314, 49351),
    (27045, 40033), (27421, 31627), (32113, 38337), (32300, 33730), (32303, 56840), (32888, 41918), (32922, 54584),
    (36634, 39841), (38261, 41877), (42756, 53842), (46667, 57724), (46782, 54829), (47929, 54185), (48480, 59607),
    (48955, 51368),
]
IN_TEST = [(6334, 8569)]
IN_BOTH = [
    (3763, 7243), (4944, 7781), (6168, 9227), (12404, 4037), (15943, 6659),
    (20001, 100), (30002, 200), (40003, 300), (50004, 400), (59005, 500),
]
# fmt: on
"""In training, and in test."""

Group = frozenset[str]


def main() -> None:
    """Prepare both, print what was found."""
    with tempfile.TemporaryDirectory(dir=".") as name:
        work = Path(name)
        files = find_or_fetch(work / "downloads")
        now = duplicates(files, work / "now")
        print(f"as it is: {len(now['within_split'])} within a split, {len(now['across_splits'])} across splits")
        found = duplicates(planted(files, work / "fashion-mnist"), work / "before")
    within = [group("train", pair, "train") for pair in IN_TRAINING] + [group("test", pair, "test") for pair in IN_TEST]
    across = [group("train", pair, "test") for pair in IN_BOTH]
    print(f"with doubles within a split: {told(within, found['within_split'])}")
    print(f"with doubles across splits:  {told(across, found['across_splits'])}")


def planted(files: Path, folder: Path) -> Path:
    """A copy of the files, decompressed, with the doubles put in."""
    folder.mkdir()
    content = {name: bytearray(gzip.decompress((files / f"{name}.gz").read_bytes())) for name in NAMES}
    train, test = content["train-images-idx3-ubyte"], content["t10k-images-idx3-ubyte"]
    for one, other in IN_TRAINING:
        train[place(other)] = train[place(one)]
    for one, other in IN_TEST:
        test[place(other)] = test[place(one)]
    for of_train, of_test in IN_BOTH:
        test[place(of_test)] = train[place(of_train)]
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


def place(photo: int) -> slice:
    """Where a photo's pixels are in an IDX file."""
    start = 16 + 784 * photo
    return slice(start, start + 784)


def duplicates(files: Path, store: Path) -> dict[str, list[list[str]]]:
    """The exact copies that the report names."""
    result = prepare(
        Store(store),
        str(files),
        checks=Checks(with_network=False),
        limits=DecodeLimits(),
        num_threads=load_settings().num_threads,
    )
    report: dict[str, Any] = json.loads((result.folder / "report.json").read_text())
    found: dict[str, list[list[str]]] = report["duplicates"]
    return found


def group(split: str, pair: tuple[int, int], other_split: str) -> Group:
    """A pair by the photos' names."""
    return frozenset((f"{split}/{pair[0]:05}", f"{other_split}/{pair[1]:05}"))


def told(expected: list[Group], found: list[list[str]]) -> str:
    """How many of the pairs were found, and how many others."""
    groups = set(map(frozenset, found))
    right = len(groups & set(expected))
    return f"{right} of {len(expected)} found, {len(groups) - right} others"


if __name__ == "__main__":
    main()
