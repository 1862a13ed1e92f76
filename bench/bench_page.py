"""Is the page quick: the preview of a 12-megapixel photo, and the products that look like it?

    python bench/bench_page.py [--store STORE] [--photos N]

A server in a process of its own, and Chromium, both on the cores that this one may use, meet over loopback. A photo as
phones make them (4,000 × 3,000 pixels, JPEG, lying on its side, with a thumbnail) is chosen N times, another one each
time, at the size of a phone's screen. Measured in the page, from the moment the file is chosen: until a frame with the
preview was drawn; until the photo is ready to be sent; until the products are on the page. Without `--store` one is
made: EfficientNet-Lite0 with its ImageNet weights over 300 drawn photos. Goals: the preview under 100 ms, the products
under 1,000 ms at p95 on two cores. The last line is JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

WIDTH_PX, HEIGHT_PX = 4000, 3000
PRODUCTS = 300
GOALS_MS = {"preview": 100, "products": 1000}

WATCH = """() => {
  const { fetch } = window;
  const frame = (then) => requestAnimationFrame(() => requestAnimationFrame(then));
  const note = (name) => { window.times[name] ??= performance.now() - window.chosen; };
  document.addEventListener("change", () => { window.chosen = performance.now(); window.times = {}; }, true);
  const look = document.getElementById("first-look");
  new MutationObserver(() => look.firstChild && frame(() => note("preview"))).observe(look, { childList: true });
  window.fetch = (address, options) => {
    if (options?.method === "POST") note("ready");
    return fetch(address, options);
  };
  const grid = document.getElementById("grid");
  new MutationObserver(() => {
    if (grid.querySelector(".card:not(.skeleton)")) frame(() => note("products"));
  }).observe(grid, { childList: true });
}"""


def photo(number: int) -> Image.Image:
    """A drawing with the detail of a photo: smooth shapes, edges, and a sensor's noise."""
    random = np.random.default_rng(number)
    coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((WIDTH_PX, HEIGHT_PX))
    fine = Image.fromarray(random.integers(0, 256, (HEIGHT_PX // 8, WIDTH_PX // 8, 3), dtype=np.uint8))
    mixed = Image.blend(coarse, fine.resize((WIDTH_PX, HEIGHT_PX)), 0.2)
    noise_HWC = random.integers(-6, 7, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.int16)
    return Image.fromarray(np.clip(np.asarray(mixed) + noise_HWC, 0, 255).astype(np.uint8))


def write_photos(folder: Path, num: int) -> list[Path]:
    """Photos as phones write them: turned by their metadata alone, which also has a thumbnail."""
    paths = [folder / f"{number}.jpg" for number in range(num)]
    for number, path in enumerate(paths):
        made = photo(number)
        small = io.BytesIO()
        made.resize((160, 120)).save(small, "JPEG")
        made.save(path, quality=88, exif=exif(6, small.getvalue()))
    return paths


def exif(orientation: int, thumbnail: bytes) -> bytes:
    """A camera's metadata (Exif 2.3, 4.5): one directory with the orientation, and one with the thumbnail."""
    first = struct.pack("<HHHLHHL", 1, 0x0112, 3, 1, orientation, 0, 26)
    second = struct.pack("<HHHLLHHLLL", 2, 0x0201, 4, 1, 56, 0x0202, 4, 1, len(thumbnail), 0)
    return b"Exif\0\0II*\0" + struct.pack("<L", 8) + first + second + thumbnail


def made_store(folder: Path) -> Path:
    """A store with a pretrained model and drawn products, of three categories."""
    drawn = [photo(10_000 + number).resize((400, 300)) for number in range(10)]
    for number in range(PRODUCTS):
        place = folder / "products" / f"kind {number % 3}" / f"{number}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        drawn[number % len(drawn)].rotate(number).save(place)
    store = folder / "store"
    subprocess.run([*SNAPSHELF, "index", folder / "products", "--store", store], check=True, stderr=subprocess.DEVNULL)
    return store


SNAPSHELF = [sys.executable, "-m", "snapshelf"]


@contextlib.contextmanager
def served(store: Path) -> Iterator[str]:
    """The address of the store's server while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([*SNAPSHELF, "serve", "--store", store, "--port", str(port)], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/readyz", server)
        yield address
    finally:
        server.terminate()
        server.wait()


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        if server.poll() is not None:
            sys.exit("The server ended; try `snapshelf serve` on that store.")
        time.sleep(0.1)


def measure(page: Page, path: Path) -> dict[str, float]:
    """Milliseconds from choosing a photo to each step."""
    page.evaluate("window.times = {}")
    page.set_input_files("#file" if page.locator("#start").is_visible() else "#file-again", path)
    page.wait_for_function("() => window.times.products && window.times.preview", timeout=60_000)
    return {name: float(value) for name, value in page.evaluate("window.times").items()}


def run(address: str, paths: list[Path]) -> list[dict[str, float]]:
    """Every photo once, after two that warm up."""
    with sync_playwright() as playwright:
        executable = os.environ.get("SNAPSHELF_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 360, "height": 780}, device_scale_factor=2)
        page.goto(address)
        page.locator("#filters").wait_for(state="attached")
        page.evaluate(WATCH)
        return [measure(page, path) for path in paths][2:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--photos", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = write_photos(Path(name), options.photos + 2)
        store = options.store or made_store(Path(name))
        with served(store) as address:
            times = run(address, paths)
    cores = len(os.sched_getaffinity(0))
    print(f"{options.photos} photos of {WIDTH_PX * HEIGHT_PX / 1e6:.0f} megapixels, {cores} cores, milliseconds")
    result: dict[str, object] = {"cores": cores, "photos": options.photos}
    for step in ("preview", "ready", "products"):
        p50, p95 = np.percentile([each[step] for each in times], [50, 95])
        goal = f"   goal: p95 under {GOALS_MS[step]}" if step in GOALS_MS else ""
        print(f"  {step:9} p50 {p50:6.0f}   p95 {p95:6.0f}{goal}")
        result |= {f"{step}_p50_ms": round(float(p50), 1), f"{step}_p95_ms": round(float(p95), 1)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
