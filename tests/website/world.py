"""A shop in miniature with everything that the documentation's commands name: photos, feeds, orders, a store."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image

from tests.feeds import google_item, rss

COLOURS = {"boot": (40, 60, 200), "sandal": (40, 170, 60), "sneaker": (200, 50, 40)}
_SIZE_PX = 28


def photo(label: str, number: int) -> Image.Image:
    """A tiny picture, which takes a small network, mostly of its
    category's colour; another one for each number."""
    random = np.random.default_rng([number, *COLOURS[label]])
    shade_HWC = random.integers(-30, 31, (_SIZE_PX, _SIZE_PX, 3)) + random.integers(-20, 21, 3)
    return Image.fromarray(np.clip(shade_HWC + COLOURS[label], 0, 255).astype(np.uint8))


def write_world(root: Path) -> None:
    """Photos of three categories, strangers, a COCO set, a catalogue of 21 products as table and feed, orders."""
    for label in COLOURS:
        for number in range(14):
            _save(photo(label, number), root / "photos" / label / f"{number:02}.png")
    random = np.random.default_rng(0)
    for number in range(6):
        noise_HWC = random.integers(0, 256, (_SIZE_PX, _SIZE_PX, 3), dtype=np.uint8)
        _save(Image.fromarray(noise_HWC), root / "others" / "noise" / f"{number}.png")
    for name in ("mine.jpg", "shoe.jpg", "runner.jpg", "photo.jpg"):
        photo("sneaker", 50).save(root / name, quality=95)
    for month, first in (("may", 60), ("june", 90)):
        for number in range(first, first + 30):
            _save(photo(list(COLOURS)[number % 3], number), root / f"photos-of-{month}" / f"{number}.png")
    _write_coco(root / "coco")
    _write_products(root)


def link_into(root: Path, folder: Path) -> None:
    """Docs name the same files from within a store and from beside it; let both find them."""
    for path in root.iterdir():
        if not (folder / path.name).exists() and path != folder and not (path / "snapshelf.toml").exists():
            (folder / path.name).symlink_to(os.path.relpath(path, folder))


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def _write_coco(folder: Path) -> None:
    photos = [(label, number) for label in COLOURS for number in range(6)]
    for at, (label, number) in enumerate(photos):
        _save(photo(label, 100 + number), folder / "images" / f"{at}.png")
    sides = {"width": _SIZE_PX, "height": _SIZE_PX}
    instances = {
        "images": [{"id": at, "file_name": f"{at}.png", **sides} for at in range(len(photos))],
        "categories": [{"id": at, "name": label} for at, label in enumerate(COLOURS)],
        "annotations": [
            {"id": at, "image_id": at, "category_id": list(COLOURS).index(label), "bbox": [1, 1, 26, 26]}
            for at, (label, _) in enumerate(photos)
        ],
    }
    (folder / "instances.json").write_text(json.dumps(instances), "utf-8")


def _write_products(root: Path) -> None:
    """Product s0 to s20, a sneaker, a boot and a sandal in turn."""
    labels = ["sneaker", "boot", "sandal"]
    rows, items = ["id,title,category,price,currency,in_stock,url,image,brand,material"], []
    for number in range(21):
        label = labels[number % 3]
        _save(photo(label, 200 + number), root / "pictures" / f"{number}.png")
        title = f"{'Red' if number % 2 else 'Plain'} runner {number}"
        rows.append(
            f"s{number},{title},{label},{20 + number},EUR,true,https://shop.example/s{number},pictures/{number}.png,"
            "Acme,leather"
        )
        items.append(
            google_item(
                id=f"s{number}",
                title=title,
                product_type=label,
                price=f"{20 + number}.00 EUR",
                availability="in_stock",
                link=f"https://shop.example/s{number}",
                image_link=f"pictures/{number}.png",
                brand="Acme",
            )
        )
    for name in ("catalogue.csv", "feed.csv"):
        (root / name).write_text("\n".join(rows) + "\n", "utf-8")
    (root / "feed.xml").write_text(rss(*items), "utf-8")
    pairs = [("s0", "s1"), ("s2", "s3"), ("s4", "s5")]
    orders = [f"o{number},{product}" for number in range(60) for product in pairs[number % 3]]
    (root / "orders.csv").write_text("\n".join(["order_id,product_id", *orders]) + "\n", "utf-8")
