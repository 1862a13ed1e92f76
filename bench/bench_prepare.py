"""How fast are photos prepared, against nothing but decoding them; and does memory stay flat?

    python bench/bench_prepare.py [FOLDER]
    python bench/bench_prepare.py --rows 1000000

1. Photos a second of `prepare` with all checks that need no network, over those of plain decoding (Pillow, in full, on
   every core) of the same files in the same run: once as the files are, and once each as web shops and phones have
   them, enlarged from the same photos. Goal: 0.7.
2. Peak memory of `prepare` for 1,000, 10,000 and 100,000 rows of generated photos, each in a process of its own;
   with `--rows`, nothing but that, for as many rows as are named.

FOLDER holds photos in class folders, at least a few hundred; without it photos are generated.
"""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.checks import Checks
from snapshelf.pipelines.prepare import prepare
from snapshelf.settings import load_settings

NUM_THREADS = load_settings().num_threads
SIZES_PX = {"as they are": None, "web shop, 1,200 px": 1200, "phone, 4,032 px": 4032}
NUM_PHOTOS = {None: 3000, 1200: 1000, 4032: 120}
ROUNDS = 3


def main() -> None:
    """Print both answers, or the second alone."""
    with tempfile.TemporaryDirectory(dir=".") as name:
        work = Path(name)
        if sys.argv[1:2] == ["--rows"]:
            print_peaks([int(number) for number in sys.argv[2:]], work)
            return
        source = Path(sys.argv[1]) if len(sys.argv) > 1 else generate(work / "photos", 2000, (340, 256))
        files = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        random.Random(0).shuffle(files)
        print(f"{len(files):,} photos of {source}, {NUM_THREADS} cores\n")
        for words, longer_px in SIZES_PX.items():
            photos = copy(files[: NUM_PHOTOS[longer_px]], work / f"{longer_px}", longer_px)
            print(f"{words:20} {measure(photos, work)}", flush=True)
            shutil.rmtree(photos)
        print()
        print_peaks([1_000, 10_000, 100_000], work)


def measure(photos: Path, work: Path) -> str:
    """The best of a few rounds of each, in turns."""
    files = sorted(photos.rglob("*.jpg"))
    plain_s, prepared_s = [], []
    for _ in range(ROUNDS):
        plain_s.append(seconds(lambda: decode_plainly(files)))
        shutil.rmtree(work / "store", ignore_errors=True)
        prepared_s.append(seconds(lambda: run_prepare(photos, work / "store")))
    plain, prepared = len(files) / min(plain_s), len(files) / min(prepared_s)
    return f"plain decoding {plain:6,.0f}/s, prepare {prepared:6,.0f}/s, ratio {prepared / plain:.2f}"


def decode_plainly(files: Sequence[Path]) -> None:
    """Decode files in full, on every core."""

    def decode(path: Path) -> None:
        with Image.open(path) as image:
            image.load()

    with ThreadPoolExecutor(NUM_THREADS) as pool:
        list(pool.map(decode, files))


def run_prepare(photos: Path, store: Path) -> None:
    """The real thing, with the checks that need no network."""
    checks = Checks(with_network=False)
    prepare(Store(store), str(photos), checks=checks, limits=DecodeLimits(), num_threads=NUM_THREADS)


def copy(files: Sequence[Path], folder: Path, longer_px: int | None) -> Path:
    """Copy photos into two class folders, at another size if asked to."""
    for number, path in enumerate(files):
        target = folder / ("left", "right")[number % 2] / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        if longer_px is None and path.suffix.lower() != ".png":
            shutil.copy(path, target)
        else:
            image = Image.open(path).convert("RGB")
            scale = (longer_px or max(image.size)) / max(image.size)
            size = (round(image.width * scale), round(image.height * scale))
            image.resize(size, Image.Resampling.BICUBIC).save(target, quality=88)
    return folder


def generate(folder: Path, number: int, size: tuple[int, int], repeat: int = 1) -> Path:
    """Photos of random shapes in two classes; with `repeat`, that many share one content but for a few pixels."""
    shapes = np.random.default_rng(0)
    for index in range(number):
        if index % repeat == 0:
            picture = draw(shapes, size)
        picture.putpixel((index % size[0], (index // size[0]) % size[1]), (index % 256, 7, 7))
        path = folder / ("left", "right")[index % 2] / f"{index // 1000:03}" / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=85)
        path.write_bytes(content.getvalue())
    return folder


def draw(shapes: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """A picture of a dozen ellipses."""
    picture = Image.new("RGB", size, tuple(shapes.integers(0, 256, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = (int(shapes.integers(0, side)) for side in size)
        w, h = (int(shapes.integers(2, side // 2)) for side in size)
        pen.ellipse((x, y, x + w, y + h), fill=tuple(shapes.integers(0, 256, 3).tolist()))
    return picture


def print_peaks(numbers: Sequence[int], work: Path) -> None:
    """The peak memory for each number of rows."""
    for number in numbers:
        generate(work / "rows", number, (32, 32), repeat=64)
        print(f"{number:9,} rows: peak memory {peak_mb(work / 'rows', work):,.0f} MB", flush=True)
        shutil.rmtree(work / "rows")


def peak_mb(photos: Path, work: Path) -> float:
    """The peak memory of a fresh process that prepares photos."""
    shutil.rmtree(work / "store", ignore_errors=True)
    command = [sys.executable, __file__, "--peak", str(photos), str(work / "store")]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"})
    return float(json.loads(answer.stdout)["peak_mb"])


def report_peak(photos: str, store: str) -> None:
    """What the fresh process does."""
    run_prepare(Path(photos), Path(store))
    # Linux counts the parent's memory into ru_maxrss: a fork has it until it starts the new program.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak_kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    print(json.dumps({"peak_mb": int(peak_kib) / 1024}))


def seconds(work: Callable[[], None]) -> float:
    """How long something takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        report_peak(*sys.argv[2:4])
    else:
        main()
