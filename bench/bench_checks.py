"""How many planted faults do the checks of `prepare` find, and how much do they find that is none?

    python bench/bench_checks.py FOLDER

FOLDER holds real photos in class folders, with or without split folders; generated ones would say nothing, so nothing
is measured without. A copy of some of them is spoilt in every way
that the checks look for, `prepare` is run on the copy as a user would run it, and its report.json is compared with what
was done. Prints a table in Markdown. What is found besides is not all wrong: real photos have faults of their own,
so the same photos are prepared unspoilt first, and what is found there does not count.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageEnhance, ImageFilter

from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.prepare import prepare
from snapshelf.settings import load_settings

PER_FAULT = 60
MOST_PHOTOS = 3000
SWAPPED = 0.04

Change = Callable[[Image.Image], Image.Image]

COPIES: dict[str, Change] = {
    "saved anew, JPEG quality 20": lambda image: recompressed(image, 20),
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "brighter by 25 %": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "without colours": lambda image: image.convert("L").convert("RGB"),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned by 90°": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned by 180°": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "cropped by 5 %": lambda image: cropped(image, 0.05),
    "cropped by 10 %": lambda image: cropped(image, 0.10),
    "cropped by 20 %": lambda image: cropped(image, 0.20),
    "tilted by 3°": lambda image: image.rotate(3, Image.Resampling.BICUBIC, fillcolor=(255, 255, 255)),
}
"""Guises of a photo that is there too: all but the first are saved at quality 85."""

FLAWS: dict[str, tuple[str, Change]] = {
    "blurred, 1 % of the longer side": ("blurred", lambda image: image.filter(blur(image, 0.01))),
    "blurred, 0.5 %": ("blurred", lambda image: image.filter(blur(image, 0.005))),
    "dark, an eighth of the light": ("dark", lambda image: image.point(lambda value: value // 8)),
    "blank, with noise": ("blank", lambda image: Image.effect_noise(image.size, 3).convert("RGB")),
    "tiny, 80 px": ("tiny", lambda image: shrunk(image, 80)),
    "five times as long as wide": ("extreme_aspect", lambda image: image.resize((image.width, image.width // 5))),
}
"""What a photo itself is spoilt by, and what that is called in the report."""

RANDOM = random.Random(0)


def recompressed(image: Image.Image, quality: int) -> Image.Image:
    """After a JPEG file."""
    content = io.BytesIO()
    image.save(content, "JPEG", quality=quality)
    return Image.open(io.BytesIO(content.getvalue())).convert("RGB")


def cropped(image: Image.Image, part: float) -> Image.Image:
    """Less a part of each side, cut where chance will have it."""
    left, top = RANDOM.uniform(0, part) * image.width, RANDOM.uniform(0, part) * image.height
    box = (left, top, left + (1 - part) * image.width, top + (1 - part) * image.height)
    return image.crop(tuple(round(edge) for edge in box))  # type: ignore[arg-type]


def shrunk(image: Image.Image, longer_px: int) -> Image.Image:
    """With the longer side as given."""
    scale = longer_px / max(image.size)
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))


def blur(image: Image.Image, part: float) -> ImageFilter.Filter:
    """Out of focus by a part of the longer side."""
    return ImageFilter.GaussianBlur(part * max(image.size))


class Planted:
    """A folder of photos in which it is known what is wrong. Every photo is used for one fault at most."""

    def __init__(self, source: Path, work: Path) -> None:
        files = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        RANDOM.shuffle(files)
        self.root = work
        self.names: list[str] = []
        for number, path in enumerate(files[:MOST_PHOTOS]):
            name = f"{path.parent.name}/{number:05}.jpg"
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            Image.open(path).convert("RGB").save(work / name, quality=95)
            self.names.append(name)
        self.unused = list(self.names)
        self.of: defaultdict[str, dict[str, str]] = defaultdict(dict)
        """For each fault the photos that have it, and the photo, label or flaw that belongs to each."""

    def plant(self) -> None:
        """Spoil photos in every way."""
        for fault, guise in COPIES.items():
            for name in self._take():
                copy = f"{Path(name).parent}/{fault[:9]} {Path(name).name}"
                guise(Image.open(self.root / name)).save(self.root / copy, quality=85)
                self.of[fault][copy] = name
        for name in self._take():
            shutil.copy(self.root / name, self.root / Path(name).parent / f"copy {Path(name).name}")
            self.of["exact copy"][f"{Path(name).parent}/copy {Path(name).name}"] = name
        for fault, (flaw, change) in FLAWS.items():
            for name in self._take():
                change(Image.open(self.root / name)).save(self.root / name, quality=85)
                self.of[fault][name] = flaw
        for name in self._take():
            content = (self.root / name).read_bytes()
            (self.root / name).write_bytes(content[: len(content) // 2])
            self.of["cut off"][name] = "truncated"
        labels = sorted({Path(name).parent.name for name in self.names})
        for name in self._take(round(SWAPPED * len(self.names))):
            right = Path(name).parent.name
            wrong = RANDOM.choice([label for label in labels if label != right])
            (self.root / name).rename(self.root / wrong / f"from {right} {Path(name).name}")
            self.of["wrong label"][f"{wrong}/from {right} {Path(name).name}"] = right

    def _take(self, number: int = PER_FAULT) -> list[str]:
        taken, self.unused = self.unused[:number], self.unused[number:]
        return taken


def report_on(photos: Path, store: Path) -> dict[str, Any]:
    """`report.json` of the real command."""
    result = prepare(Store(store), str(photos), limits=DecodeLimits(), num_threads=load_settings().num_threads)
    report: dict[str, Any] = json.loads((result.folder / "report.json").read_text())
    return report


def groups_in(report: dict[str, Any], kind: str) -> list[set[str]]:
    """Groups of photos that are one, whichever splits they are in."""
    found = report[kind]
    return [set(group) for group in [*found["across_splits"], *found["within_split"]]]


def line(fault: str, planted: int, found: int, besides: int | None, note: str = "") -> str:
    """A row of the table."""
    precision = "" if besides is None else f"{found / max(1, found + besides):.3f}"
    return f"| {fault} | {planted} | {found / max(1, planted):.3f} | {precision} | {note} |"


def main() -> None:
    """Plant, prepare, compare, print."""
    if len(sys.argv) < 2:
        print("Skipped: name a folder of real photos to plant faults in: python bench/bench_checks.py FOLDER")
        return
    with tempfile.TemporaryDirectory(dir=".") as name:
        work = Path(name)
        planted = Planted(Path(sys.argv[1]), work / "photos")
        before = report_on(planted.root, work / "before")
        planted.plant()
        report = report_on(planted.root, work / "after")
    print(f"{len(planted.names):,} photos of {Path(sys.argv[1]).name}, {PER_FAULT} planted of each fault\n")
    print("| planted | number | recall | precision | |\n|---|---|---|---|---|")
    print("\n".join([*of_copies(planted, report, before), *of_flaws(planted, report, before)]))
    print("\n".join(of_labels(planted, report, before)))


def of_copies(planted: Planted, report: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """Exact copies and guises; a group is right where it holds a copy and its original and nothing else."""
    exact, near = groups_in(report, "duplicates"), groups_in(report, "near_duplicates")
    copies = planted.of["exact copy"]
    right = [{copy, name} for copy, name in copies.items()]
    lines = [line("exact copy", len(copies), sum(pair in exact for pair in right), sum(g not in right for g in exact))]
    known = groups_in(before, "near_duplicates")
    pairs = [{copy, name} for fault in COPIES for copy, name in planted.of[fault].items()]
    besides = [group for group in near if not any(pair <= group for pair in pairs + known)]
    for fault in COPIES:
        found = sum(any({copy, name} <= group for group in near) for copy, name in planted.of[fault].items())
        lines.append(line(fault, len(planted.of[fault]), found, None))
    found = sum(any(pair <= group for group in near) for pair in pairs)
    lines.append(line("all guises together", len(pairs), found, len(besides), f"{len(known)} groups were there before"))
    return lines


def of_flaws(planted: Planted, report: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """Flaws of single photos, and files that are cut off."""
    lines = []
    for fault, (flaw, _) in FLAWS.items():
        flagged = set(report["flaws"][flaw]) - set(before["flaws"][flaw])
        of_this_flaw = {name for other in FLAWS for name, what in planted.of[other].items() if what == flaw}
        note = f"{len(before['flaws'][flaw])} of {len(planted.names):,} before"
        found = len(flagged & set(planted.of[fault]))
        lines.append(line(fault, len(planted.of[fault]), found, len(flagged - of_this_flaw), note))
    cut = {bad["path"] for bad in report["rejected"] if bad["flaw"] == "truncated"}
    expected = planted.of["cut off"]
    lines.append(line("cut off", len(expected), len(cut & set(expected)), len(cut - set(expected))))
    return lines


def of_labels(planted: Planted, report: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """Wrong labels; the right one has to be guessed too."""
    wrong, doubted = planted.of["wrong label"], {found["path"] for found in before["label_suspects"]}
    suspects = [found for found in report["label_suspects"] if found["path"] not in doubted]
    found = [suspect for suspect in suspects if suspect["path"] in wrong]
    guessed = sum(suspect["likely"] == wrong[suspect["path"]] for suspect in found)
    note = f"{guessed / max(1, len(found)):.3f} of them with the right label; {len(doubted)} doubted before"
    lines = [line("wrong label", len(wrong), len(found), len(suspects) - len(found), note)]
    first = report["label_suspects"][: len(wrong) // 2]
    hits = sum(suspect["path"] in wrong for suspect in first)
    lines.append(line("… of the list's first half as many", len(first), hits, len(first) - hits))
    return lines


if __name__ == "__main__":
    main()
