"""Photos for `bench_drift.py`: dealt into those that are learnt from and those that are held out, changed, looked at.

Shapes: M photos, Q quantities, D numbers an embedding.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.artifacts.store import Store
from snapshelf.drift.judgement import similarities
from snapshelf.drift.quantities import of_picture, values
from snapshelf.imaging.decode import SUFFIXES, DecodeLimits, decode
from snapshelf.pipelines.checks import Checks
from snapshelf.pipelines.index import index
from snapshelf.pipelines.prepare import prepare
from snapshelf.pipelines.train import train
from snapshelf.ports import VectorIndex
from snapshelf.settings import load_settings
from snapshelf.wiring import open_encoder

LEARNT, VALIDATION = 0.5, 0.15


def _gain(by: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.point(lambda level: level * by)


def _gamma(by: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.point(lambda level: 255 * (level / 255) ** by)


def _blur(share: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.filter(ImageFilter.GaussianBlur(share * min(image.size)))


def _jpeg(image: Image.Image) -> Image.Image:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=10)
    return Image.open(content).convert("RGB")


def _warm(image: Image.Image) -> Image.Image:
    levels = np.asarray(image, np.float32) * (1.0, 0.85, 0.6)
    return Image.fromarray(levels.astype(np.uint8))


def _thumbnail(image: Image.Image) -> Image.Image:
    small = image.copy()
    small.thumbnail((120, 120))
    return small


CHANGES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "light × 0.8": _gain(0.8),
    "light × 0.6": _gain(0.6),
    "light × 0.4": _gain(0.4),
    "gamma 1.5": _gamma(1.5),
    "gamma 2.5": _gamma(2.5),
    "blur, 0.4 % of the side": _blur(0.004),
    "blur, 1 % of the side": _blur(0.01),
    "JPEG of quality 10": _jpeg,
    "lamp light": _warm,
    "thumbnails of 120 px": _thumbnail,
    "the middle half": lambda image: image.crop(
        (image.width // 4, image.height // 4, image.width - image.width // 4, image.height - image.height // 4)
    ),
}


@dataclass(frozen=True, slots=True)
class Photos:
    """What model, index and pictures say of photos."""

    values_MQ: NDArray[np.float32]
    embedding_MD: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.values_MQ)

    def some(self, rows: NDArray[np.int64]) -> Photos:
        """These of them."""
        return Photos(self.values_MQ[rows], self.embedding_MD[rows])


def made(source: Path, root: Path) -> tuple[Store, list[Path]]:
    """A store whose model has seen half of the photos, and the files that it has not seen at all."""
    photos, store = root / "photos", Store(root / "store")
    if not photos.exists():
        deal(source, photos)
    if not store.has_current("models"):
        threads = load_settings().num_threads
        dealt = root / "learnt"
        shutil.copytree(photos / "train", dealt / "train")
        shutil.copytree(photos / "validation", dealt / "validation")
        quick = Checks(with_network=False)
        prepare(store, str(dealt), checks=quick, limits=DecodeLimits(), num_threads=threads)
        train(store, recipe="quick")
        encoder = open_encoder(store, load_settings())
        index(
            store, encoder, encoder.card, str(dealt), format="folder", split="train", replace=True, remove=[],
            limits=DecodeLimits(), num_workers=threads,
        )  # fmt: skip
    return store, photo_files(photos / "held_out")


def deal(source: Path, photos: Path) -> None:
    """Copy photos into `train`, `validation` and `held_out`, class by class, at random."""
    random = np.random.default_rng(0)
    by_class: dict[str, list[Path]] = {}
    for path in photo_files(source):
        by_class.setdefault(path.parent.name, []).append(path)
    for label, files in sorted(by_class.items()):
        for place, number in enumerate(random.permutation(len(files)).tolist()):
            share = place / len(files)
            part = "train" if share < LEARNT else "validation" if share < LEARNT + VALIDATION else "held_out"
            target = photos / part / label
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files[number], target / f"{number:05}{files[number].suffix}")


def photo_files(folder: Path) -> list[Path]:
    """Every photo below a folder, in an order that is always the same and has nothing to do with the classes."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return [files[place] for place in np.random.default_rng(2).permutation(len(files)).tolist()]


def looked_at(
    encoder: ModelEncoder,
    products: VectorIndex,
    files: list[Path],
    change: Callable[[Image.Image], Image.Image] | None = None,
) -> Photos:
    """Photos as the command sees them, after a change."""
    found, embeddings = [], []
    for path in files:
        image = decode(path.read_bytes(), DecodeLimits(), needed_px=encoder.preprocess.size_px).image
        image = change(image) if change else image
        pixels_SSC = encoder.preprocess.apply(image)
        encoding = encoder.encode(pixels_SSC[None])
        near = similarities(products, encoding.embedding_ND)
        found.append(values(encoding, encoder.card.temperature, near, [of_picture(pixels_SSC, image.size)]))
        embeddings.append(encoding.embedding_ND)
    return Photos(np.concatenate(found), np.concatenate(embeddings))


def draws(photos: Photos, size: int, number: int) -> Iterator[Photos]:
    """Samples without replacement."""
    random = np.random.default_rng(size)
    for _ in range(number):
        yield photos.some(random.permutation(len(photos))[:size])
