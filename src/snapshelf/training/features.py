"""What a frozen backbone says of photos, computed once a photo and kept, found again by the photo's content.

While they are computed they stand in files named `….part`, so that a run that dies loses some seconds of work.

Shapes: N photos, 3 channels, S pixels a side, D numbers a feature.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from snapshelf.artifacts.publish import write_atomic
from snapshelf.data.near_duplicates import PhotoRows
from snapshelf.progress import console, progress
from snapshelf.training.backbones import Backbone
from snapshelf.training.device import autocast, best_device, has_fast_bf16, place
from snapshelf.training.inference import batch_size_for, normaliser, photo_batch

_KEEP_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class FeatureCache:
    """Where the features of some photos are kept: an (N, D) file a backbone, and one with the photos' sha256."""

    folder: Path
    sha256_N32: NDArray[np.uint8]
    """Of each photo's prepared pixels, (N, 32)."""
    before: Sequence[Path] = ()
    """Folders in which features of the same photos may be kept too."""

    def features(self, backbone: Backbone, photos: PhotoRows) -> NDArray[np.float32]:
        """The embeddings of all photos, before normalising, (N, D), memory-mapped.

        Those of photos whose content is known already, from this folder or an earlier one, are taken from there.
        """
        path = self.folder / f"{_key(backbone)}.npy"
        kept = _read(path)
        if kept and np.array_equal(kept[0], self.sha256_N32):
            console.print(f"The features of {len(self.sha256_N32):,} photos are already there.")
            return kept[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        part, work = path.with_suffix(".part.npy"), path.with_suffix(".tmp")
        shape = (len(self.sha256_N32), backbone.network.embedding_dim)
        features_ND = np.lib.format.open_memmap(work, "w+", np.float32, shape)
        missing = self._copy_known(features_ND, path.name)
        done_N32 = self.sha256_N32.copy()
        done_N32[missing] = 0  # which is no photo's sha256
        features_ND.flush()
        _put(work, part, done_N32)
        kept_s = time.monotonic()
        for rows in _compute(backbone, photos, missing, features_ND):
            done_N32[rows] = self.sha256_N32[rows]
            if time.monotonic() - kept_s > _KEEP_EVERY_S:
                features_ND.flush()
                write_atomic(_digests(part), done_N32.tobytes())
                kept_s = time.monotonic()
        features_ND.flush()
        _put(part, path, done_N32)
        _digests(part).unlink()
        return features_ND

    def _copy_known(self, features_ND: NDArray[np.float32], name: str) -> NDArray[np.int64]:
        """Fill in what is known; the rows of what is not."""
        missing = np.arange(len(self.sha256_N32))
        paths = [folder / name for folder in (self.folder, *self.before)]
        files = [_read(each) for path in paths for each in (path, path.with_suffix(".part.npy"))]
        for sha256_M32, known_MD in filter(None, files):
            place = {digest.tobytes(): row for row, digest in enumerate(sha256_M32)}
            found = np.array([place.get(self.sha256_N32[row].tobytes(), -1) for row in missing.tolist()], np.int64)
            features_ND[missing[found >= 0]] = known_MD[found[found >= 0]]
            missing = missing[found < 0]
        return missing


def _digests(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _put(work: Path, path: Path, sha256_N32: NDArray[np.uint8]) -> None:
    """Move features to their place, with their photos' sha256; never are there those of other photos beside them."""
    _digests(path).unlink(missing_ok=True)
    work.replace(path)
    write_atomic(_digests(path), sha256_N32.tobytes())


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
    """The sha256 and features of photos, or None where they are not both there and whole."""
    if not (path.exists() and _digests(path).exists()):
        return None
    features_MD: NDArray[np.float32] = np.load(path, mmap_mode="r")
    sha256 = np.fromfile(_digests(path), np.uint8)
    return (sha256.reshape(-1, 32), features_MD) if len(sha256) == 32 * len(features_MD) else None


def _compute(
    backbone: Backbone, photos: PhotoRows, rows: NDArray[np.int64], features_ND: NDArray[np.float32]
) -> Iterator[NDArray[np.int64]]:
    """Fill in the features of some rows; gives the rows of each batch that is done."""
    device = best_device()
    place(backbone.network, device)
    backbone.network.eval()
    normalise = normaliser(backbone, device)
    size = batch_size_for(photos.shape[1], device)
    with progress("Features", len(rows)) as step, torch.inference_mode(), autocast(device):
        for start in range(0, len(rows), size):
            batch = rows[start : start + size]
            features_ND[batch] = backbone.network.body(normalise(photo_batch(photos, batch))).float().cpu().numpy()
            step(len(batch))
            yield batch


def _key(backbone: Backbone) -> str:
    """A short name that changes with the backbone, its weights and normalising, and the format of its numbers."""
    digest = hashlib.sha256()
    for name, value in backbone.network.body.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    precision = "bf16" if has_fast_bf16(best_device()) else "fp32"
    digest.update(repr((backbone.normalisation, precision)).encode())
    return f"{backbone.name}-{digest.hexdigest()[:16]}"
