from __future__ import annotations

import torch

from snapshelf.training.augment import Augment


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def columns(num: int = 64, side: int = 8) -> torch.Tensor:
    """Photos whose pixels hold the number of their column."""
    return torch.arange(side, dtype=torch.uint8).expand(num, 3, side, side).clone()


def test_nothing_is_changed_unless_asked() -> None:
    assert torch.equal(Augment().apply(columns(), generator()), columns())


def test_about_half_are_mirrored_and_none_otherwise_changed() -> None:
    given = columns()
    changed = Augment(flip=True).apply(given, generator())
    mirrored = (changed == given.flip(3)).all(dim=(1, 2, 3))
    kept = (changed == given).all(dim=(1, 2, 3))
    assert 20 < int(mirrored.sum()) < 44
    assert bool((mirrored ^ kept).all())
    assert torch.equal(given, columns())  # what was given stays


def test_each_photo_is_shifted_by_its_own_few_pixels() -> None:
    changed = Augment(shift_px=2).apply(columns(), generator())
    shifts = changed[:, 0, 0, 4].int() - 4
    assert set(shifts.tolist()) == {-2, -1, 0, 1, 2}
    assert changed.dtype == torch.uint8


def test_a_part_is_cut_out_and_enlarged_to_the_full_size() -> None:
    given = columns(num=16, side=32)
    changed = Augment(min_area=0.3).apply(given, generator())
    assert changed.shape == given.shape
    assert changed.dtype == torch.uint8
    spans = changed[:, 0, 16].int().amax(1) - changed[:, 0, 16].int().amin(1)
    assert int(spans.min()) < 25  # less than the whole width is seen
    assert int(spans.min()) >= 10


def test_the_same_generator_gives_the_same_photos() -> None:
    augment = Augment(flip=True, shift_px=2, min_area=0.5)
    assert torch.equal(augment.apply(columns(), generator()), augment.apply(columns(), generator()))
