"""One picture in another guise lies upon itself; another picture does not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from snapshelf.data.registration import MATCH, TINY_MATCH, Movable, alike_as_they_are, details
from tests.drawn import cut, drawn, resaved, squares

SIDE_PX = 128
PICTURES = [drawn(number) for number in range(12)]
TINY = squares([drawn(number, 112, num_shapes=12) for number in range(40)], 28)
"""As small as those of Fashion-MNIST."""

PAIRS = np.array(list(itertools.combinations(range(len(PICTURES)), 2)))

GUISES: dict[str, Image.Transpose | None] = {"as it is": None, **{turn.name: turn for turn in Image.Transpose}}
CORNERS = list(itertools.product((0.0, 1.0), repeat=2))


def alike(one: Image.Image, other: Image.Image, side_px: int = SIDE_PX) -> bool:
    one_Nss, other_Nss = (details(squares([image], side_px)) for image in (one, other))
    return bool(alike_as_they_are(one_Nss, other_Nss).item())


def movable(image: Image.Image) -> Movable:
    (pixels_SSC,) = squares([image], SIDE_PX)
    return Movable(pixels_SSC)


@pytest.mark.parametrize(("side_px", "kept_px"), [(28, 28), (63, 63), (64, 64), (128, 64)])
def test_details_are_of_unit_length_and_no_larger_than_needed(side_px: int, kept_px: int) -> None:
    details_Nss = details(squares(PICTURES[:3], side_px))
    assert details_Nss.shape == (3, kept_px, kept_px)
    np.testing.assert_allclose(np.linalg.norm(details_Nss, axis=(1, 2)), 1.0, rtol=1e-5)


def test_light_and_contrast_do_not_change_details() -> None:
    pixels_SSC = squares(PICTURES[:1], SIDE_PX)[0]
    paler_SSC = (pixels_SSC * 0.5 + 100).astype(np.uint8)
    one_ss, other_ss = details(np.stack([pixels_SSC, paler_SSC]))
    assert float((one_ss * other_ss).sum()) > 0.98


@pytest.mark.parametrize("side_px", [28, 128])
def test_what_is_too_faint_has_no_details_and_matches_nothing(side_px: int) -> None:
    random = np.random.default_rng(0)
    blank_SSC = np.full((side_px, side_px, 3), 200, np.uint8)
    faint_SSC = np.repeat(random.integers(200, 202, (side_px, side_px, 1)).astype(np.uint8), 3, 2)
    details_Nss = details(np.stack([blank_SSC, faint_SSC]))
    assert not details_Nss.any()
    assert not alike_as_they_are(details_Nss, details_Nss).any()


@pytest.mark.parametrize("guise", GUISES)
def test_a_turned_or_mirrored_photo_is_alike(guise: str) -> None:
    turn = GUISES[guise]
    for image in PICTURES:
        assert alike(image, image if turn is None else image.transpose(turn))


def test_a_photo_that_is_tilted_by_less_is_not_alike_as_it_is() -> None:
    assert not any(alike(image, image.rotate(45)) for image in PICTURES)


def test_a_photo_saved_anew_half_its_size_is_alike() -> None:
    for image in PICTURES:
        assert alike(image, resaved(image.resize((80, 80)), 30))


def test_different_photos_are_not_alike() -> None:
    details_Nss = details(squares(PICTURES, SIDE_PX))
    assert not alike_as_they_are(details_Nss[PAIRS[:, 0]], details_Nss[PAIRS[:, 1]]).any()


def test_each_pair_is_judged_by_itself() -> None:
    details_Nss = details(squares([PICTURES[0], PICTURES[1], PICTURES[0].rotate(90)], SIDE_PX))
    assert alike_as_they_are(details_Nss[[0, 0, 1]], details_Nss[[1, 2, 2]]).tolist() == [False, True, False]


def mixed(share: float, side_px: int) -> NDArray[np.uint8]:
    """A photo, and one that shows so much of another beside it, (2, S, S, 3)."""
    one_SSC, other_SSC = squares(PICTURES[:2], side_px)
    return np.stack([one_SSC, ((1 - share) * one_SSC + share * other_SSC).astype(np.uint8)])


def match(details_Nss: NDArray[np.float32]) -> float:
    return float((details_Nss[0] * details_Nss[1]).sum())


@pytest.mark.parametrize(("side_px", "is_one"), [(28, False), (63, False), (64, True), (128, True)])
def test_tiny_photos_must_match_nearly_wholly(side_px: int, is_one: bool) -> None:
    details_Nss = details(mixed(0.3, side_px))
    assert MATCH < match(details_Nss) < TINY_MATCH
    assert alike_as_they_are(details_Nss[:1], details_Nss[1:]).item() is is_one


def test_photos_that_share_half_of_their_details_are_two() -> None:
    """As products do that were taken in one place."""
    photos_NSSC = mixed(0.45, SIDE_PX)
    details_Nss = details(photos_NSSC)
    assert 0.45 < match(details_Nss) < 0.6
    assert not alike_as_they_are(details_Nss[:1], details_Nss[1:]).item()
    one, other = map(Movable, photos_NSSC)
    assert not one.is_alike(other)
    assert not other.is_alike(one)


def test_a_tiny_photo_is_found_turned_and_with_a_little_noise() -> None:
    noisy = np.clip(TINY + np.random.default_rng(0).normal(0, 1, TINY.shape), 0, 255).astype(np.uint8)
    turned = np.rot90(noisy, axes=(1, 2))
    assert alike_as_they_are(details(TINY), details(noisy)).all()
    assert alike_as_they_are(details(TINY), details(turned)).all()


@pytest.mark.parametrize("part", [0.95, 0.9, 0.85, 0.8])
@pytest.mark.parametrize(("x", "y"), CORNERS)
def test_a_crop_from_a_corner_is_found_whichever_photo_comes_first(part: float, x: float, y: float) -> None:
    for image in PICTURES[:4]:
        whole, cropped = movable(image), movable(cut(image, part, x, y))
        assert whole.is_alike(cropped)
        assert cropped.is_alike(whole)


def test_a_crop_is_not_alike_as_it_is() -> None:
    """So that it is the moving that finds them."""
    assert not any(alike(image, cut(image, 0.8)) for image in PICTURES)


def test_a_tenth_of_a_photo_is_not_found() -> None:
    assert not any(movable(image).is_alike(movable(cut(image, 0.3, 0.5, 0.5))) for image in PICTURES)


def test_different_photos_do_not_lie_upon_each_other_anywhere() -> None:
    forms = [movable(image) for image in PICTURES]
    assert not any(forms[one].is_alike(forms[other]) for one, other in PAIRS.tolist())


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_blank_photos_lie_upon_nothing(noise: float) -> None:
    random = np.random.default_rng(0)
    blank, another = (
        Movable((200 + random.normal(0, noise, (SIDE_PX, SIDE_PX, 3))).round().astype(np.uint8)) for _ in range(2)
    )
    for other in (blank, another, movable(PICTURES[0])):
        assert not blank.is_alike(other)
        assert not other.is_alike(blank)


def test_a_photo_that_is_nearly_washed_out_lies_upon_nothing() -> None:
    """What is left of its details is as faint as noise."""
    for pixels_SSC in squares(PICTURES[:4], SIDE_PX):
        whole, faint = Movable(pixels_SSC), Movable((pixels_SSC * 0.02 + 200).astype(np.uint8))
        assert not whole.is_alike(faint)
        assert not faint.is_alike(whole)
