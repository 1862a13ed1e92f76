"""Golden vectors: what the bundled backbone says of one real photo must not drift.

`dress.jpg` is from the clothing data set by Alexey Grigorev (CC0). The numbers were written down from this very code;
a change of decoding, resizing, normalising, weights or export moves them by far more than the tolerance.

Shapes: D numbers an embedding.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.adapters.openvino_encoder import OpenvinoEncoder
from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import DecodeLimits, decode
from snapshelf.pipelines.train import publish_pretrained

DRESS = Path(__file__).with_name("dress.jpg")
LARGEST = {
    352: 0.17356,
    400: 0.18539,
    657: 0.13948,
    890: 0.18065,
    975: 0.17066,
    1111: 0.1529,
    1171: 0.18577,
    1244: 0.15147,
}
"""The eight largest numbers, by their place."""

TOLERANCE = 2e-4


@pytest.fixture(scope="module", params=[OnnxEncoder, OpenvinoEncoder])
def encoder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> ModelEncoder:
    """EfficientNet-Lite0 with its ImageNet weights, exported and opened as serving does."""
    store = Store(tmp_path_factory.mktemp("golden"))
    publish_pretrained(store, "tf_efficientnet_lite0")
    opened: ModelEncoder = request.param(store.current("models"), num_threads=1)
    return opened


def embed(encoder: ModelEncoder, data: bytes) -> NDArray[np.float32]:
    picture = decode(data, DecodeLimits(), needed_px=encoder.preprocess.size_px)
    embedding_D: NDArray[np.float32] = encoder.encode(encoder.preprocess.apply(picture.image)[None]).embedding_ND[0]
    return embedding_D


def test_the_largest_numbers_of_a_real_photo(encoder: ModelEncoder) -> None:
    embedding_D = embed(encoder, DRESS.read_bytes())
    assert len(embedding_D) == 1280
    of_none = encoder.encode(np.empty((0, *[encoder.preprocess.size_px] * 2, 3), np.uint8))
    assert of_none.logits_NC.shape == (0, 0)
    assert of_none.familiarity_N is None
    assert embedding_D[list(LARGEST)] == pytest.approx(list(LARGEST.values()), abs=TOLERANCE)
    assert sorted(np.argsort(-embedding_D)[: len(LARGEST)].tolist()) == list(LARGEST)
    assert float(np.linalg.norm(embedding_D)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_every_orientation_of_the_camera_gives_the_same_embedding(encoder: ModelEncoder, orientation: int) -> None:
    upright = Image.open(DRESS).convert("RGB")
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # Pillow's number of the turn that stores it so
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    upright.transpose(Image.Transpose(turn)).save(buffer, "PNG", exif=exif)
    assert embed(encoder, buffer.getvalue()) == pytest.approx(embed(encoder, DRESS.read_bytes()), abs=TOLERANCE)


@pytest.mark.parametrize("side_px", [700, 1000, 2000, 3000, 4000])
def test_a_large_photo_decoded_at_a_smaller_scale_looks_the_same(encoder: ModelEncoder, side_px: int) -> None:
    large = Image.open(DRESS).convert("RGB").resize((side_px, side_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    large.save(buffer, "JPEG", quality=92)
    whole = encoder.preprocess.apply(decode(buffer.getvalue(), DecodeLimits()).image)
    whole_D = encoder.encode(whole[None]).embedding_ND[0]
    assert float(whole_D @ embed(encoder, buffer.getvalue())) > 0.98
    assert float(embed(encoder, DRESS.read_bytes()) @ embed(encoder, buffer.getvalue())) > 0.98


def test_one_photo_and_many_give_the_same(encoder: ModelEncoder) -> None:
    picture = decode(DRESS.read_bytes(), DecodeLimits(), needed_px=encoder.preprocess.size_px)
    photo_SSC = encoder.preprocess.apply(picture.image)
    many_ND = encoder.encode(np.stack([photo_SSC, photo_SSC[::-1], photo_SSC])).embedding_ND
    assert many_ND[0] == pytest.approx(embed(encoder, DRESS.read_bytes()), abs=TOLERANCE)
    assert many_ND[2] == pytest.approx(many_ND[0], abs=1e-6)
