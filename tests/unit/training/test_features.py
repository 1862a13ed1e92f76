from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from snapshelf.artifacts.publish import write_atomic
from snapshelf.training import features
from snapshelf.training.backbones import Backbone, load_backbone
from snapshelf.training.features import FeatureCache
from snapshelf.training.loop import Photos

Computed = list[list[int]]
"""The rows of each time that something was computed."""


@pytest.fixture
def backbone() -> Backbone:
    torch.manual_seed(0)
    return load_backbone("compact", 3, size_px=12)


@pytest.fixture
def photos_NSSC(photos: Photos) -> NDArray[np.uint8]:
    return photos.photos_NSSC[:20].copy()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Computed:
    compute, seen = features._compute, Computed()

    def spy(
        backbone: Backbone, photos: NDArray[np.uint8], rows: NDArray[np.int64], features_ND: NDArray[np.float32]
    ) -> Iterator[NDArray[np.int64]]:
        seen.append(rows.tolist())
        return compute(backbone, photos, rows, features_ND)

    monkeypatch.setattr(features, "_compute", spy)
    return seen


def sha256(photos_NSSC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    digests = b"".join(hashlib.sha256(pixels.tobytes()).digest() for pixels in photos_NSSC)
    return np.frombuffer(digests, np.uint8).reshape(-1, 32)


def found(backbone: Backbone, photos_NSSC: NDArray[np.uint8], folder: Path, *before: Path) -> NDArray[np.float32]:
    return np.array(FeatureCache(folder, sha256(photos_NSSC), before).features(backbone, photos_NSSC))


def embeddings(backbone: Backbone, photos_NSSC: NDArray[np.uint8]) -> NDArray[np.float32]:
    normalised = (torch.from_numpy(photos_NSSC).permute(0, 3, 1, 2).float() - 127.5) / 127.5
    backbone.network.eval()
    with torch.inference_mode():
        embedding_ND: NDArray[np.float32] = backbone.network(normalised)[1].numpy()
    return embedding_ND


def assert_embeddings(found_ND: NDArray[np.float32], backbone: Backbone, photos_NSSC: NDArray[np.uint8]) -> None:
    wanted_ND = embeddings(backbone, photos_NSSC)
    np.testing.assert_allclose(found_ND, wanted_ND, atol=0.02 * float(np.abs(wanted_ND).max()))  # bfloat16


def test_features_are_the_embeddings_of_the_normalised_photos(
    backbone: Backbone, photos_NSSC: NDArray[np.uint8], tmp_path: Path
) -> None:
    found_ND = found(backbone, photos_NSSC, tmp_path)
    assert np.abs(np.diff(found_ND, axis=0)).max(axis=1).min() > 0.05 * np.abs(found_ND).max()  # no two alike
    assert_embeddings(found_ND, backbone, photos_NSSC)


def test_many_photos_are_computed_in_batches(
    backbone: Backbone, photos_NSSC: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "batch_size_for", lambda *_: 7)
    assert_embeddings(found(backbone, photos_NSSC, tmp_path), backbone, photos_NSSC)


def test_a_second_call_reads_what_the_first_one_kept(
    backbone: Backbone, photos_NSSC: NDArray[np.uint8], tmp_path: Path, computed: Computed
) -> None:
    first_ND = found(backbone, photos_NSSC, tmp_path / "new folder")
    np.testing.assert_array_equal(found(backbone, photos_NSSC, tmp_path / "new folder"), first_ND)
    assert computed == [list(range(20))]


def test_only_photos_that_changed_are_computed_anew(
    backbone: Backbone, photos_NSSC: NDArray[np.uint8], tmp_path: Path, computed: Computed
) -> None:
    found(backbone, photos_NSSC, tmp_path)
    photos_NSSC[[4, 11]] = 255 - photos_NSSC[[4, 11]]
    assert_embeddings(found(backbone, photos_NSSC, tmp_path), backbone, photos_NSSC)
    assert computed == [list(range(20)), [4, 11]]


def test_photos_in_another_order_fewer_or_more_are_found_by_their_content(
    backbone: Backbone, photos: Photos, tmp_path: Path, computed: Computed
) -> None:
    found(backbone, photos.photos_NSSC[:20], tmp_path)
    for rows, missing in ((np.arange(20)[::-1], []), (np.arange(5, 15), []), (np.arange(24), [20, 21, 22, 23])):
        some_NSSC = photos.photos_NSSC[rows]
        found(backbone, photos.photos_NSSC[:20], tmp_path)
        assert_embeddings(found(backbone, some_NSSC, tmp_path), backbone, some_NSSC)
        assert computed[-1] == missing


def test_features_in_earlier_folders_are_used_by_content_and_left_as_they_are(
    backbone: Backbone, photos: Photos, tmp_path: Path, computed: Computed
) -> None:
    one, other, new = (tmp_path / name for name in ("one", "other", "new"))
    found(backbone, photos.photos_NSSC[:10], one)
    found(backbone, photos.photos_NSSC[5:15], other)
    before = {path: path.read_bytes() for folder in (one, other) for path in folder.iterdir()}
    order = np.random.default_rng(0).permutation(18)
    all_NSSC = photos.photos_NSSC[order]
    assert_embeddings(found(backbone, all_NSSC, new, one, other, tmp_path / "never made"), backbone, all_NSSC)
    assert computed[-1] == np.flatnonzero(order >= 15).tolist()
    assert before == {path: path.read_bytes() for folder in (one, other) for path in folder.iterdir()}
    found(backbone, all_NSSC, new)
    assert len(computed) == 3


def test_other_weights_are_kept_apart(
    backbone: Backbone, photos_NSSC: NDArray[np.uint8], tmp_path: Path, computed: Computed
) -> None:
    found(backbone, photos_NSSC, tmp_path)
    with torch.no_grad():
        next(backbone.network.body.parameters()).mul_(1.5)
    assert_embeddings(found(backbone, photos_NSSC, tmp_path), backbone, photos_NSSC)
    assert len(list(tmp_path.glob("compact-*.npy"))) == 2
    assert computed == [list(range(20))] * 2


def test_the_head_does_not_count(
    backbone: Backbone, photos_NSSC: NDArray[np.uint8], tmp_path: Path, computed: Computed
) -> None:
    found(backbone, photos_NSSC, tmp_path)
    backbone.network.set_head(torch.ones(3, backbone.network.embedding_dim), torch.ones(3))
    found(backbone, photos_NSSC, tmp_path)
    assert len(computed) == 1


def test_half_of_a_cache_is_not_trusted(
    backbone: Backbone, photos_NSSC: NDArray[np.uint8], tmp_path: Path, computed: Computed
) -> None:
    found(backbone, photos_NSSC, tmp_path)
    (kept,) = tmp_path.glob("*.npy")
    digests = kept.with_suffix(".sha256")
    content = digests.read_bytes()
    for spoil in (
        digests.unlink,
        kept.unlink,
        lambda: digests.write_bytes(content[:-32]),
        lambda: digests.write_bytes(content[:-1]),
        lambda: np.save(kept, np.zeros((19, backbone.network.embedding_dim), np.float32)),
    ):
        spoil()
        assert_embeddings(found(backbone, photos_NSSC, tmp_path), backbone, photos_NSSC)
        assert computed[-1] == list(range(20))


def test_a_run_that_ends_while_features_are_computed_leaves_the_older_ones(
    backbone: Backbone, photos_NSSC: NDArray[np.uint8], tmp_path: Path, computed: Computed
) -> None:
    found(backbone, photos_NSSC, tmp_path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "_compute", killed)
        with pytest.raises(KeyboardInterrupt):
            found(backbone, 255 - photos_NSSC, tmp_path)
    assert_embeddings(found(backbone, photos_NSSC, tmp_path), backbone, photos_NSSC)
    assert len(computed) == 1


def test_features_are_never_taken_for_those_of_the_photos_before_them(
    backbone: Backbone, photos_NSSC: NDArray[np.uint8], tmp_path: Path
) -> None:
    """A run that ends between writing the two files leaves features of the new photos, and digests of the old."""
    found(backbone, photos_NSSC, tmp_path)

    def killed(path: Path, content: bytes) -> None:
        if ".part" not in path.name:
            raise KeyboardInterrupt
        write_atomic(path, content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "write_atomic", killed)
        with pytest.raises(KeyboardInterrupt):
            found(backbone, 255 - photos_NSSC, tmp_path)
    assert_embeddings(found(backbone, photos_NSSC, tmp_path), backbone, photos_NSSC)


@pytest.mark.parametrize("every_s", [0.0, 1e9])
def test_a_run_that_ends_midway_is_gone_on_with(
    backbone: Backbone, photos: Photos, tmp_path: Path, computed: Computed, every_s: float
) -> None:
    """With what was kept so far; in another folder, from the one that was left behind."""
    some_NSSC = photos.photos_NSSC[:24]
    found(backbone, some_NSSC[:4], tmp_path)

    class Killed:
        shape = some_NSSC.shape

        def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
            if rows.max() >= 16:
                raise KeyboardInterrupt
            return np.asarray(some_NSSC[rows])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "_KEEP_EVERY_S", every_s)
        patch.setattr(features, "batch_size_for", lambda *_: 4)
        with pytest.raises(KeyboardInterrupt):
            FeatureCache(tmp_path, sha256(some_NSSC)).features(backbone, Killed())
    assert_embeddings(found(backbone, some_NSSC, tmp_path / "new", tmp_path), backbone, some_NSSC)
    assert_embeddings(found(backbone, some_NSSC, tmp_path), backbone, some_NSSC)
    missing = list(range(16 if every_s == 0 else 4, 24))
    assert computed == [list(range(4)), list(range(4, 24)), missing, missing]
    assert sorted(path.suffixes[-1] for path in tmp_path.iterdir() if path.is_file()) == [".npy", ".sha256"]
