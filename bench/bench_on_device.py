"""Does a customer's device say what the server says, and how long does it take?

    python bench/bench_on_device.py [PHOTOS] [--store STORE] [--num 500]

In this machine's Chromium, on one core of it, with the files that a store offers to devices (`snapshelf export --to
web`); the server of the same store is asked with the same photos, in turn. PHOTOS is a folder of photos that the store
was not trained on, `../shared/datasets/clothing` if nothing is said; without a store one is trained on the train split.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import httpx
from bench_page import SNAPSHELF, served
from playwright.sync_api import Page, sync_playwright

from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import SUFFIXES

_KEEP = """async () => {
  const { on_device } = await (await fetch("/api/v1/store")).json();
  const { keepFiles } = await import("/static/js/on-device-files.js");
  await keepFiles(on_device.files, { signal: new AbortController().signal, onShare() {} });
  const sent = on_device.files.reduce((sum, file) => sum + file.num_bytes_sent, 0);
  return { files: on_device.files.map(({ name, num_bytes_sent }) => [name, num_bytes_sent]), sent };
}"""
_RECOGNISE = """async (data) => {
  const { recogniseHere } = await import("/static/js/recognise.js");
  const photo = new Blob([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))]);
  const started = performance.now();
  return { ...(await recogniseHere(photo, null)), ms: performance.now() - started };
}"""


def made_store(photos: Path, folder: Path) -> Path:
    """A store trained on the train split of a folder of photos, with its model for devices."""
    store = folder / "store"
    for command in (["prepare", photos], ["train", "--recipe", "quick"], ["index", photos, "--split", "train"]):
        subprocess.run([*SNAPSHELF, *command, "--store", store], check=True)
    return store


def chosen(photos: Path, num: int) -> list[Path]:
    """So many photos of the validation split, filled up with others, evenly over them all."""
    found = sorted(path for path in photos.rglob("*") if path.suffix.lower() in SUFFIXES)
    first = [path for path in found if "validation" in path.parts]
    others = [path for path in found if "validation" not in path.parts]
    missing = max(0, num - len(first))
    return (first + others[:: max(1, len(others) // max(1, missing))][:missing])[:num]


def compared(page: Page, address: str, photos: list[Path]) -> dict[str, Any]:
    """What both say of each photo."""
    same, same_verdict, differences, ms = 0, 0, [], []
    with httpx.Client(base_url=address, timeout=30) as client:
        for path in photos:
            data = path.read_bytes()
            here = page.evaluate(_RECOGNISE, base64.b64encode(data).decode())
            answer = client.post("/api/v1/recommendations", files={"photo": ("photo", data)}).raise_for_status()
            there = answer.json()["prediction"]
            same += here["label"] == there["label"]
            same_verdict += here["verdict"] == there["verdict"]
            shares = {each["label"]: each["probability"] for each in there["top"]}
            differences.append(abs(here["probability"] - shares.get(here["label"], 0.0)))
            ms.append(here["ms"])
    return {
        "photos": len(photos), "same_label": same / len(photos), "same_verdict": same_verdict / len(photos),
        "median_probability_difference": statistics.median(differences),
        "first_ms": ms[0], "median_ms": statistics.median(ms[1:]),
    }  # fmt: skip


def main() -> None:
    """Print how they compare, and the sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="?", default=Path("../shared/datasets/clothing"))
    parser.add_argument("--store", type=Path)
    parser.add_argument("--num", type=int, default=500)
    arguments = parser.parse_args()
    if not arguments.photos.is_dir():
        print(f"{arguments.photos} is not there; name a folder of photos, SPLIT/CLASS/…")
        return
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = arguments.store or made_store(arguments.photos, folder)
        if not Store(store).export_folder(Store(store).current("models").name, "web").is_dir():
            subprocess.run([*SNAPSHELF, "export", "--to", "web", "--store", store], check=True)
        address = stack.enter_context(served(store))
        playwright = stack.enter_context(sync_playwright())
        executable = os.environ.get("SNAPSHELF_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        stack.callback(browser.close)
        page = browser.new_page()
        page.goto(address)
        kept = page.evaluate(_KEEP)
        for name, size in kept["files"]:
            print(f"{name}: {size / 1e6:.1f} MB")
        print(f"together {kept['sent'] / 1e6:.1f} MB to fetch")
        found = compared(page, address, chosen(arguments.photos, arguments.num))
    print(
        f"{found['photos']} photos: the same label for {found['same_label']:.1%}, the same verdict for "
        f"{found['same_verdict']:.1%}; a probability differs by {found['median_probability_difference']:.4f} in the "
        f"median; {found['median_ms']:.0f} ms a photo, the first {found['first_ms']:.0f} ms"
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
