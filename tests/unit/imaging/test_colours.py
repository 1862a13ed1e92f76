"""Colours by the names that people use."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from snapshelf.imaging.colours import COLOURS, colour_names, dominant_colours, oklab


def named(names: str) -> set[str]:
    """Our names of colours that CSS has names for."""
    rgb_P3 = np.array([ImageColor.getrgb(name) for name in names.split()], dtype=np.uint8)
    return set(colour_names(rgb_P3))


@pytest.mark.parametrize(
    ("ours", "css"),
    [
        ("black", "black"),
        ("grey", "grey dimgrey darkgrey silver lightgrey slategrey"),
        ("white", "white snow ivory ghostwhite whitesmoke linen"),
        ("red", "red crimson firebrick darkred maroon tomato"),
        ("orange", "orange darkorange coral sandybrown"),
        ("brown", "saddlebrown sienna"),
        ("beige", "tan wheat bisque burlywood blanchedalmond"),
        ("yellow", "yellow gold khaki goldenrod lemonchiffon"),
        ("green", "green lime darkgreen forestgreen olivedrab lightgreen seagreen"),
        ("blue", "blue navy midnightblue royalblue steelblue skyblue lightblue turquoise teal"),
        ("purple", "purple indigo rebeccapurple darkviolet slateblue darkmagenta"),
        ("pink", "pink hotpink deeppink lightpink palevioletred violet"),
    ],
)
def test_colours_that_have_names_in_css(ours: str, css: str) -> None:
    assert named(css) == {ours}


def test_white_and_black_lie_at_the_ends_of_lightness() -> None:
    lab_23 = oklab(np.array([[255, 255, 255], [0, 0, 0]], dtype=np.uint8))
    assert lab_23 == pytest.approx(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), abs=1e-4)


def on_a_ground(product: str, ground: str, part: float = 0.5) -> Image.Image:
    """A square in the middle of an even ground."""
    image = Image.new("RGB", (200, 160), ground)
    side = int(160 * part)
    image.paste(product, (100 - side // 2, 80 - side // 2, 100 + side // 2, 80 + side // 2))
    return image


def test_an_even_background_does_not_count() -> None:
    assert dominant_colours(on_a_ground("crimson", "white")) == ("red",)
    assert dominant_colours(on_a_ground("navy", "saddlebrown", 0.3)) == ("blue",)


def test_a_photo_that_is_all_one_colour_has_that_one() -> None:
    assert dominant_colours(Image.new("RGB", (7, 5), "white")) == ("white",)


def test_a_product_of_two_colours_has_both_the_larger_first() -> None:
    image = on_a_ground("green", "white", 0.8)
    image.paste("yellow", (100, 16, 140, 144))
    assert dominant_colours(image) == ("green", "yellow")


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_any_photo_has_at_most_two_colours_of_the_list(width: int, height: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = dominant_colours(Image.fromarray(noise))
    assert len(found) <= 2
    assert set(found) <= set(COLOURS)
