"""Shapes: N photos, S pixels a side, 3 channels."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from snapshelf.foreign.answers import AnswersOut, Asked
from snapshelf.foreign.form import in_form
from snapshelf.foreign.reading import read_network
from snapshelf.foreign.scaling import Scaling, scaling_of
from tests.foreign_networks import write_network

PHOTOS = arrays(np.uint8, (2, 16, 16, 3))


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> object:
    path = write_network(tmp_path_factory.mktemp("scaling") / "net.onnx", channels=1)
    return read_network(path).photos


@given(PHOTOS)
def test_grey_is_what_pillow_says_but_for_halves(grey: object, photos_NSSC: NDArray[np.uint8]) -> None:
    ours = Scaling((0.0,), (1.0,)).apply(photos_NSSC, grey)  # type: ignore[arg-type]
    theirs = np.stack([np.asarray(Image.fromarray(photo_SSC).convert("L")) for photo_SSC in photos_NSSC])
    assert np.abs(ours[:, 0] - theirs).max() <= 1
    grey_NSSC = np.repeat(photos_NSSC[..., :1], 3, axis=3)
    assert (Scaling((0.0,), (1.0,)).apply(grey_NSSC, grey)[:, 0] == grey_NSSC[..., 0]).all()  # type: ignore[arg-type]


@given(PHOTOS, st.sampled_from(["NSSC", "NCSS"]), st.booleans(), st.floats(0, 255), st.floats(1, 255))
def test_onnx_scales_as_numpy_does(
    tmp_path_factory: pytest.TempPathFactory,
    photos_NSSC: NDArray[np.uint8],
    layout: str,
    bgr: bool,
    mean: float,
    std: float,
) -> None:
    path = write_network(tmp_path_factory.getbasetemp() / "scaled.onnx", layout=layout, last="Gemm")
    network = read_network(path)
    scaling = Scaling((mean, 0.5, 100.0), (std, 2.0, 1.0), bgr=bgr)
    model = in_form(network, AnswersOut("answers", "logits", "answers", "features", "features"), scaling, 16)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found_NC,) = session.run(["logits"], {"photos": photos_NSSC})
    (wanted_NC,) = Asked(network, ["answers"], 1)(scaling.apply(photos_NSSC, network.photos))
    np.testing.assert_allclose(found_NC, wanted_NC, rtol=1e-4, atol=1e-2)


def test_what_is_typed_again_is_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    photos = read_network(write_network(tmp_path_factory.mktemp("typed") / "net.onnx")).photos
    scaling = scaling_of("103.939,116.779,123.68", "1", bgr=True, wanted=photos)
    assert scaling.as_options() == "--mean 103.939,116.779,123.68 --std 1 --bgr"
    assert scaling.of_rgb() == ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))
