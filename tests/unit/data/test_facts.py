"""Facts: what is measured of a photo means what it says, and changes only with `FACTS_VERSION`."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from snapshelf.data.facts import FACTS, FACTS_VERSION, measure
from tests.drawn import drawn, resaved, squares

SIDE_PX = 224
PICTURES = [drawn(number, SIDE_PX) for number in range(8)]


def facts_of(pixels_SSC: NDArray[np.uint8], size_px: tuple[int, int] = (300, 200), orientation: int = 1) -> np.void:
    (facts,) = np.frombuffer(measure(pixels_SSC, size_px, orientation), FACTS)
    return facts  # type: ignore[no-any-return]  # NumPy does not know what iterating gives


def of_picture(image: Image.Image) -> np.void:
    return facts_of(np.asarray(image))


def grey(level: int, side_px: int = 32) -> NDArray[np.uint8]:
    return np.full((side_px, side_px, 3), level, np.uint8)


def differing_bits(one: np.void, other: np.void, name: str) -> int:
    return int(one[name] ^ other[name]).bit_count()


def paler(image: Image.Image, part: float) -> Image.Image:
    return image.point(lambda level: 128 + part * (level - 128))


def woven() -> NDArray[np.uint8]:
    """A picture that is the same on every machine: 8 × 8 squares of made-up greys, with a weave, and reddish lines."""
    levels = np.array([37 * (number * number + 3 * number) % 229 for number in range(64)]).reshape(8, 8)
    down, across = np.mgrid[:SIDE_PX, :SIDE_PX]
    weave_SS = np.kron(levels, np.ones((28, 28), np.int64)) + (7 * down + 13 * across + down * across) % 23
    pixels_SSC = np.repeat(weave_SS[..., None].astype(np.uint8), 3, axis=2)
    pixels_SSC[::28, :, 0] = 255
    return pixels_SSC


def test_the_hash_is_that_of_the_pixels() -> None:
    pixels_SSC = np.asarray(PICTURES[0])
    expected = hashlib.sha256(pixels_SSC.tobytes()).digest()
    assert facts_of(pixels_SSC)["sha256"].tobytes() == expected
    turned_SSC = np.rot90(pixels_SSC)  # not contiguous
    assert facts_of(turned_SSC)["sha256"].tobytes() == hashlib.sha256(turned_SSC.tobytes()).digest()


def test_size_and_orientation_are_those_of_the_original() -> None:
    facts = facts_of(grey(0), (70_000, 5), orientation=6)
    assert (facts["width_px"], facts["height_px"], facts["orientation"]) == (70_000, 5, 6)


@pytest.mark.parametrize("level", [0, 51, 255])
def test_a_blank_picture_is_as_bright_as_it_is_and_has_no_contrast(level: int) -> None:
    facts = facts_of(grey(level))
    assert facts["brightness"] == pytest.approx(level / 255)
    assert facts["contrast"] == facts["sharpness"] == 0


def test_contrast_is_the_range_between_dark_and_bright() -> None:
    pixels_SSC = grey(51)
    pixels_SSC[:16] = 204
    facts = facts_of(pixels_SSC)
    assert facts["brightness"] == pytest.approx(204 / 255)
    assert facts["contrast"] == pytest.approx((204 - 51) / 255)


def test_single_bright_and_dark_pixels_do_not_count() -> None:
    pixels_SSC = grey(51)
    pixels_SSC[0, :5], pixels_SSC[1, :5] = 255, 0  # 0.5 % each
    facts = facts_of(pixels_SSC)
    assert (facts["brightness"], facts["contrast"]) == (pytest.approx(51 / 255), 0)


def test_brightness_is_that_of_the_luma() -> None:
    green = np.zeros((32, 32, 3), np.uint8)
    green[..., 1] = 255
    assert facts_of(green)["brightness"] == pytest.approx(0.587, abs=0.005)


@pytest.mark.parametrize("radius_px", [2, 3])
@pytest.mark.parametrize("image", PICTURES[:4])
def test_a_blurred_picture_is_less_sharp(image: Image.Image, radius_px: int) -> None:
    sharp, blurred = of_picture(image), of_picture(image.filter(ImageFilter.GaussianBlur(radius_px)))
    assert sharp["sharpness"] > 0.7
    assert blurred["sharpness"] < 0.42


@pytest.mark.parametrize("image", PICTURES[:4])
def test_a_pale_picture_is_about_as_sharp(image: Image.Image) -> None:
    facts, pale = of_picture(image), of_picture(paler(image, 0.25))
    assert pale["contrast"] < 0.3 * facts["contrast"]
    assert pale["sharpness"] == pytest.approx(facts["sharpness"], rel=0.2)


@pytest.mark.parametrize("quality", [50, 80, 95])
@pytest.mark.parametrize("image", PICTURES)
def test_a_picture_saved_anew_looks_the_same(image: Image.Image, quality: int) -> None:
    assert differing_bits(of_picture(image), of_picture(resaved(image, quality)), "look") <= 3


@pytest.mark.parametrize("image", PICTURES)
def test_a_picture_in_another_size_looks_the_same(image: Image.Image) -> None:
    (small_SSC,) = squares([image], 96)
    assert differing_bits(of_picture(image), facts_of(small_SSC), "look") <= 6


@pytest.mark.parametrize("image", PICTURES)
def test_a_turned_or_mirrored_picture_has_the_same_turned_look(image: Image.Image) -> None:
    facts = of_picture(image)
    for turn in Image.Transpose:
        guise = of_picture(image.transpose(turn))
        assert differing_bits(facts, guise, "turned_look") <= 2, turn.name
        assert differing_bits(facts, guise, "look") > 8, turn.name


def test_other_pictures_look_otherwise() -> None:
    found = [of_picture(image) for image in PICTURES]
    for name, least in (("look", 12), ("turned_look", 3)):
        bits = [differing_bits(one, other, name) for one in found for other in found if one is not other]
        assert min(bits) >= least, name


def test_looks_have_63_and_35_bits() -> None:
    for image in PICTURES:
        facts = of_picture(image)
        assert int(facts["look"]) < 2**63
        assert int(facts["turned_look"]).bit_count() == 35 // 2, "of 35 frequencies those above the median"


def test_the_smallest_pictures_can_be_measured() -> None:
    facts = facts_of(np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8))
    assert np.isfinite([facts["brightness"], facts["contrast"], facts["sharpness"]]).all()


def test_what_is_measured_changes_only_with_its_version() -> None:
    """Where this fails, raise `FACTS_VERSION`: else photos measured before and now stand in one data set."""
    facts = facts_of(woven())
    assert FACTS_VERSION == 2
    assert [(name, FACTS[name].str) for name in FACTS.names or ()] == [
        ("sha256", "|V32"),
        ("width_px", "<i4"),
        ("height_px", "<i4"),
        ("orientation", "|u1"),
        ("brightness", "<f4"),
        ("contrast", "<f4"),
        ("sharpness", "<f4"),
        ("look", "<u8"),
        ("turned_look", "<u8"),
    ]
    assert f"{int(facts['look']):016x}" == "3c0402ccd706b3e9"
    assert f"{int(facts['turned_look']):016x}" == "000000dfea402c40"
    measured = [facts["brightness"], facts["contrast"], facts["sharpness"]]
    assert measured == pytest.approx([241 / 255, 234 / 255, 224 / 211], abs=1e-6)


def test_sharpness_is_much_the_same_however_large_a_photo_is_prepared() -> None:
    random = np.random.default_rng(0)
    small = Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    photo = small.resize((640, 640), Image.Resampling.BICUBIC)
    found = [
        facts_of(np.asarray(photo.resize((side, side), Image.Resampling.HAMMING)))["sharpness"] for side in (224, 448)
    ]
    assert found[1] == pytest.approx(found[0], rel=0.1)
