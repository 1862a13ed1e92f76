from __future__ import annotations

import numpy as np
import pytest
import torch

from snapshelf.training.augment import Augment
from snapshelf.training.trivial_augment import NUM_OPERATIONS, change

ALL_AT_ONCE = Augment(flip=True, shift_px=2, min_area=0.5, trivial=True, erase=0.5, cutmix=0.6)


def columns(num: int = 64, side: int = 8) -> torch.Tensor:
    """Photos whose pixels hold the number of their column."""
    return torch.arange(side, dtype=torch.uint8).expand(num, 3, side, side).clone()


def plain(num: int = 64, side: int = 32) -> torch.Tensor:
    """Photos of one grey each, all different."""
    return (3 * torch.arange(num, dtype=torch.uint8))[:, None, None, None].expand(num, 3, side, side).clone()


def applied(augment: Augment, photos: torch.Tensor, size_px: int | None = None, seed: int = 0) -> torch.Tensor:
    return augment.apply(photos, augment.draw(len(photos), np.random.default_rng(seed)), size_px)


def test_nothing_is_changed_unless_asked() -> None:
    assert torch.equal(applied(Augment(), columns()), columns())


def test_about_half_are_mirrored_and_none_otherwise_changed() -> None:
    given = columns()
    changed = applied(Augment(flip=True), given)
    mirrored = (changed == given.flip(3)).all(dim=(1, 2, 3))
    kept = (changed == given).all(dim=(1, 2, 3))
    assert 20 < int(mirrored.sum()) < 44
    assert bool((mirrored ^ kept).all())
    assert torch.equal(given, columns())  # what was given stays


def test_each_photo_is_shifted_by_its_own_few_pixels() -> None:
    changed = applied(Augment(shift_px=2), columns())
    shifts = changed[:, 0, 0, 4].int() - 4
    assert set(shifts.tolist()) == {-2, -1, 0, 1, 2}
    assert changed.dtype == torch.uint8


def test_a_part_is_cut_out_and_enlarged_to_the_full_size() -> None:
    given = columns(num=16, side=32)
    changed = applied(Augment(min_area=0.3), given)
    assert changed.shape == given.shape
    assert changed.dtype == torch.uint8
    spans = changed[:, 0, 16].int().amax(1) - changed[:, 0, 16].int().amin(1)
    assert int(spans.min()) < 25  # less than the whole width is seen
    assert int(spans.min()) >= 10


@pytest.mark.parametrize("augment", [Augment(), ALL_AT_ONCE], ids=["nothing", "all"])
def test_photos_come_in_the_size_that_is_asked_for(augment: Augment) -> None:
    changed = applied(augment, columns(side=32), size_px=24)
    assert changed.shape == (64, 3, 24, 24)
    assert changed.dtype == torch.uint8


def test_a_part_is_covered_in_as_many_photos_as_wanted() -> None:
    changed = applied(Augment(erase=0.25), plain())
    covered = (changed == 127).all(1).float().mean((1, 2))
    assert 8 <= int((covered > 0).sum()) <= 24
    assert 0.01 < float(covered[covered > 0].min()) <= float(covered.max()) < 0.4


def test_partners_exchange_the_share_that_their_classes_get() -> None:
    augment, given = Augment(cutmix=1.0), plain()
    changes = augment.draw(64, np.random.default_rng(0))
    changed = augment.apply(given, changes).float().mean((1, 2, 3))
    target_NC = augment.targets(torch.arange(64), 64, changes)
    assert torch.allclose(target_NC.sum(1), torch.ones(64))
    own, partner = torch.arange(64), torch.arange(64) ^ 1
    share_N = target_NC[own, partner]
    assert float(share_N.max()) > 0.3
    greys = given[:, 0, 0, 0].float()
    assert torch.allclose(changed, greys * (1 - share_N) + greys[partner] * share_N, atol=0.5)


def test_without_a_partner_a_photo_is_left_alone() -> None:
    augment = Augment(cutmix=1.0)
    changes = augment.draw(5, np.random.default_rng(3))
    assert torch.equal(augment.apply(plain(5), changes)[4], plain(5)[4])
    assert augment.targets(torch.arange(5), 5, changes)[4].tolist() == [0, 0, 0, 0, 1]


def test_the_same_generator_gives_the_same_photos() -> None:
    given = columns(side=32)
    assert torch.equal(applied(ALL_AT_ONCE, given), applied(ALL_AT_ONCE, given))
    assert not torch.equal(applied(ALL_AT_ONCE, given), applied(ALL_AT_ONCE, given, seed=1))


def test_a_part_of_a_batch_comes_out_as_it_does_in_the_whole() -> None:
    given = columns(num=8, side=32) + plain(8) // 2
    changes = ALL_AT_ONCE.draw(8, np.random.default_rng(0))
    whole = ALL_AT_ONCE.apply(given, changes, 24)
    parts = [ALL_AT_ONCE.apply(given[part], changes[part], 24) for part in (slice(0, 4), slice(4, 8))]
    assert torch.equal(whole, torch.cat(parts))


@pytest.mark.parametrize("strength", [-1.0, -0.3, 0.0, 1.0])
def test_every_operation_keeps_form_and_type_and_most_change_something(strength: float) -> None:
    given = torch.from_numpy(np.random.default_rng(0).integers(30, 200, (2, 3, 24, 24), dtype=np.uint8))
    changed = [change(given, operation, strength) for operation in range(NUM_OPERATIONS)]
    assert all(photos.shape == given.shape and photos.dtype == torch.uint8 for photos in changed)
    different = sum(not torch.equal(photos, given) for photos in changed)
    assert different >= (10 if strength else 2)
