"""Can a recogniser of whole photos find the things in a photo of several? See decision 22.

    python bench/bench_objects.py STORE PHOTOS [--composed N]

STORE has a trained model whose network averages its last maps; PHOTOS is a folder CATEGORY/photo that it did not learn
from. Photos of one, two and three categories are put side by side, or scattered over a noisy ground, and two cheap ways
look for them:

- maps: where the activation map of one of the four likeliest categories is above half of its height, the largest patch;
- windows: 15 windows (halves, thirds, quarters), each looked at as a photo of its own.

Either way a box counts where the part by itself gets a verdict of at least «likely», no two boxes of a category
overlap, and at least two categories are found. Printed of each: the share of the things that a box's middle hits with
the right category, the share that a box has an IoU of 0.5 with, the share of the boxes that have so with a thing, boxes
a photo, and the milliseconds. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.artifacts.store import Store
from snapshelf.imaging.preprocess import crop
from snapshelf.ports import ActivationMaps
from snapshelf.recommend.prediction import predictions
from snapshelf.settings import Settings
from snapshelf.types import Box, Prediction
from snapshelf.wiring import open_encoder, open_maps

Thing = tuple[Box, str]
Composed = tuple[Image.Image, list[Thing]]
SURE = ("confident", "likely")


@dataclass(frozen=True)
class Eyes:
    """A model, and where it looks."""

    encoder: ModelEncoder
    maps: ActivationMaps

    def say(self, image: Image.Image, boxes: list[Box]) -> list[Prediction]:
        """What each part shows."""
        parts = [self.encoder.preprocess.apply(crop(image, box)) for box in boxes]
        return predictions(self.encoder.encode(np.stack(parts)), self.encoder.card) if parts else []


def by_maps(eyes: Eyes, image: Image.Image) -> list[Box]:
    """The largest patch of each of the likeliest categories' maps."""
    photo_SSC = eyes.encoder.preprocess.apply(image)
    logits_C = eyes.encoder.encode(photo_SSC[None]).logits_NC[0]
    class_C = np.argsort(-logits_C)[:4]
    evidence_CHW = eyes.maps.of(np.repeat(photo_SSC[None], len(class_C), axis=0), class_C)
    return [_largest_patch(ndimage.zoom(each_HW, 4, order=1)) for each_HW in evidence_CHW]


def _largest_patch(evidence_HW: np.ndarray) -> Box:
    labels_HW, _ = ndimage.label(evidence_HW > 0.5)
    sizes = np.bincount(labels_HW.ravel())
    sizes[0] = 0
    rows, columns = (np.flatnonzero((labels_HW == sizes.argmax()).any(axis=axis)) for axis in (1, 0))
    height, width = evidence_HW.shape
    x, y = columns[0] / width, rows[0] / height
    return Box(float(x), float(y), float((columns[-1] + 1) / width - x), float((rows[-1] + 1) / height - y))


def by_windows(_: Eyes, image: Image.Image) -> list[Box]:
    """Quarters that overlap, and along the longer side halves and thirds."""
    quarters = [Box(x, y, 0.5, 0.5) for x in (0, 0.25, 0.5) for y in (0, 0.25, 0.5)]
    parts = [(0, 1 / 2), (1 / 4, 1 / 2), (1 / 2, 1 / 2), (0, 1 / 3), (1 / 3, 1 / 3), (2 / 3, 1 / 3)]
    lies = image.width >= image.height
    return quarters + [Box(at, 0, size, 1) if lies else Box(0, at, 1, size) for at, size in parts]


WAYS: dict[str, Callable[[Eyes, Image.Image], list[Box]]] = {"maps": by_maps, "windows": by_windows}


def found(eyes: Eyes, image: Image.Image, boxes: list[Box]) -> list[Thing]:
    """The boxes that are worth offering, at most four, the surest first."""
    said = sorted(zip(boxes, eyes.say(image, boxes), strict=True), key=lambda each: -each[1].probability)
    kept: list[Thing] = []
    for box, prediction in said:
        beside = all(iou(box, other) < (0.1 if label == prediction.label else 0.3) for other, label in kept)
        if prediction.verdict in SURE and beside:
            kept.append((box, prediction.label))
    return kept[:4] if len({label for _, label in kept}) > 1 else []


def iou(one: Box, other: Box) -> float:
    """The share of two boxes' area that both have."""
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    both = max(0.0, width) * max(0.0, height)
    return both / (one.w * one.h + other.w * other.h - both)


def photos_of(folder: Path, num: int, dice: random.Random) -> list[tuple[Image.Image, str]]:
    """Photos of different categories."""
    categories = dice.sample(sorted(each for each in folder.iterdir() if each.is_dir()), num)
    chosen = [dice.choice(sorted(each.glob("*.jpg"))) for each in categories]
    return [(Image.open(path).convert("RGB"), path.parent.name) for path in chosen]


def beside(photos: list[tuple[Image.Image, str]], _: random.Random) -> Composed:
    """One photo beside the other, 300 px high."""
    scaled = [(image.resize((round(image.width * 300 / image.height), 300)), label) for image, label in photos]
    whole = Image.new("RGB", (sum(image.width for image, _ in scaled), 300))
    things, left = [], 0
    for image, label in scaled:
        whole.paste(image, (left, 0))
        things.append((Box(left / whole.width, 0, image.width / whole.width, 1), label))
        left += image.width
    return whole, things


def scattered(photos: list[tuple[Image.Image, str]], dice: random.Random) -> Composed:
    """Photos of about half the height of a noisy ground, none over another."""
    noise_HWC = np.random.default_rng(dice.randrange(10**9)).normal(dice.randrange(60, 200), 8, (600, 800, 3))
    while True:
        whole = Image.fromarray(np.clip(noise_HWC, 0, 255).astype(np.uint8))
        things: list[Thing] = []
        for image, label in photos:
            scale = dice.uniform(240, 330) / max(image.size)
            small = image.resize((round(image.width * scale), round(image.height * scale)))
            left, top = dice.randrange(801 - small.width), dice.randrange(601 - small.height)
            whole.paste(small, (left, top))
            things.append((Box(left / 800, top / 600, small.width / 800, small.height / 600), label))
        if all(iou(one, other) == 0 for at, (one, _) in enumerate(things) for other, _ in things[:at]):
            return whole, things


COMPOSERS = {"beside": beside, "scattered": scattered}


def is_hit(thing: Thing, boxes: list[Thing]) -> bool:
    """Whether the middle of a box of the right category lies in the thing."""
    (place, label) = thing
    middles = [(box.x + box.w / 2, box.y + box.h / 2) for box, said in boxes if said == label]
    return any(place.x <= x <= place.x + place.w and place.y <= y <= place.y + place.h for x, y in middles)


def score(eyes: Eyes, way: str, photos: Iterator[Composed]) -> dict[str, float]:
    """How well one way finds what is there."""
    things = boxes = hits = covered = right = num = 0
    spent_s = 0.0
    for image, there in photos:
        started = time.perf_counter()
        offered = found(eyes, image, WAYS[way](eyes, image))
        spent_s += time.perf_counter() - started
        num, things, boxes = num + 1, things + len(there), boxes + len(offered)
        hits += sum(is_hit(thing, offered) for thing in there)
        covered += sum(any(iou(place, box) >= 0.5 for box, _ in offered) for place, _ in there)
        right += sum(any(iou(place, box) >= 0.5 for place, _ in there) for box, _ in offered)
    shares = {"hit": hits / things, "covered": covered / things, "boxes_right": right / max(1, boxes)}
    return {**shares, "boxes_a_photo": boxes / num, "ms": 1000 * spent_s / num}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--composed", type=int, default=60)
    options = parser.parse_args()
    encoder = open_encoder(Store(options.store), Settings())
    maps = open_maps(Store(options.store), Settings(), encoder.card.id)
    if maps is None:
        parser.error("The network of this store's model does not average its last maps.")
    eyes, results = Eyes(encoder, maps), {}
    print("way      photos     things    hit  covered  boxes right  boxes  ms")
    for way in WAYS:
        for name, compose in COMPOSERS.items():
            for num in (1, 2, 3):
                dice = random.Random(num)
                composed = (compose(photos_of(options.photos, num, dice), dice) for _ in range(options.composed))
                got = results[f"{way} {name} {num}"] = score(eyes, way, composed)
                shares = f"{got['hit']:5.2f}  {got['covered']:7.2f}  {got['boxes_right']:11.2f}"
                print(f"{way:8} {name:10} {num:6}  {shares}  {got['boxes_a_photo']:5.1f}  {got['ms']:3.0f}", flush=True)
    print(json.dumps({name: {key: round(value, 3) for key, value in got.items()} for name, got in results.items()}))


if __name__ == "__main__":
    main()
