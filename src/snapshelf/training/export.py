"""From a trained network to `model.onnx`, and the proof that both say the same.

Shapes: N photos, S pixels a side, 3 channels, C classes (0 without a head), D numbers an embedding.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from snapshelf.errors import ExportCheckError
from snapshelf.training.backbones import Backbone
from snapshelf.training.familiarity import Familiarity
from snapshelf.training.projection import Projection

INPUT = "photos"
READ_LOGITS, READ_EMBEDDING = "read_logits", "read_embedding"
LARGEST_DIFFERENCE = 1e-3
"""Of a probability, of a number of the embedding, of the familiarity."""

_OPSET = 18


@dataclass(frozen=True, slots=True)
class Readout:
    """What is made of a network's answers inside the model."""

    familiarity: Familiarity | None = None
    """None where it cannot be told."""
    projection: Projection | None = None
    """None where embeddings stay as they are."""


PLAIN = Readout()


class _Reading(nn.Module):
    """What is made of a network's logits (N, C) and normalised embeddings (N, D)."""

    def __init__(self, readout: Readout) -> None:
        super().__init__()
        self.familiarity, self.projection = readout.familiarity, readout.projection

    def read(self, logits_NC: Tensor, embedding_ND: Tensor) -> tuple[Tensor, ...]:
        """The embeddings as they are given out, and the familiarity (N,) where it can be told."""
        projected_NP = self.projection(embedding_ND) if self.projection else embedding_ND
        return (projected_NP, self.familiarity(logits_NC, embedding_ND)) if self.familiarity else (projected_NP,)


class Deployed(_Reading):
    """A network as it is handed out: uint8 RGB (N, S, S, 3) in, logits (N, C) and normalised embedding (N, D) out, and
    the familiarity (N,) where it can be told."""

    def __init__(self, backbone: Backbone, readout: Readout) -> None:
        super().__init__(readout)
        self.network = backbone.network
        self.outputs = ("logits", "embedding", *(("familiarity",) if readout.familiarity else ()))
        self.mean = nn.Buffer(torch.tensor(backbone.normalisation.mean)[None, :, None, None])
        self.scale = nn.Buffer(1.0 / torch.tensor(backbone.normalisation.std)[None, :, None, None])

    def forward(self, photos_NSSC: Tensor) -> tuple[Tensor, ...]:
        """Normalise the photos and look at them; each embedding has length 1."""
        photos_NCSS = (photos_NSSC.permute(0, 3, 1, 2).float() - self.mean) * self.scale
        logits_NC, embedding_ND = self.network(photos_NCSS)
        return logits_NC, *self.read(logits_NC, functional.normalize(embedding_ND, dim=1))


class _ReadingAlone(_Reading):
    """The same without the network, for one that is in ONNX already; what stays as it is, is left out."""

    def forward(self, logits_NC: Tensor, embedding_ND: Tensor) -> tuple[Tensor, ...]:
        """The embeddings, if they are projected, and the familiarity."""
        return self.read(logits_NC, embedding_ND)[0 if self.projection else 1 :]


def export_checked(backbone: Backbone, path: Path, photos_NSSC: NDArray[np.uint8], readout: Readout = PLAIN) -> float:
    """Write the model into a folder, made if need be, and compare it with the network: `export_onnx`, `check_export`.

    Raises:
        ExportCheckError: it answers otherwise.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    export_onnx(backbone, path, readout)
    return check_export(backbone, path, photos_NSSC, readout)


def export_onnx(backbone: Backbone, path: Path, readout: Readout = PLAIN) -> None:
    """Write one file: input `photos`, outputs `logits`, `embedding` and, where it can be told, `familiarity`, any
    number of photos at a time.

    By torch's tracing exporter, on purpose: the newer one gives the same graph but takes six times as long (25 to 35
    against 4 seconds for EfficientNet-Lite0 on 2 cores), and nothing here depends on control flow.
    """
    deployed = _in_fp32(backbone, readout)
    photos = torch.zeros(2, backbone.size_px, backbone.size_px, 3, dtype=torch.uint8)
    with _silence(), torch.inference_mode():
        torch.onnx.export(
            deployed, (photos,), str(path),
            input_names=[INPUT], output_names=list(deployed.outputs), opset_version=_OPSET, dynamo=False,
            dynamic_axes={name: {0: "N"} for name in (INPUT, *deployed.outputs)},
        )  # fmt: skip


def export_readout(familiarity: Familiarity, projection: Projection | None) -> bytes:
    """What is made of a network's answers, by itself, as ONNX.

    Inputs are `READ_LOGITS` (N, C) and `READ_EMBEDDING` (N, D), normalised; outputs `embedding`, if there is a
    projection, and `familiarity`.
    """
    embedding_dim, num_classes = familiarity.means_DC.shape
    file = io.BytesIO()
    inputs, outputs = [READ_LOGITS, READ_EMBEDDING], [*(["embedding"] if projection else []), "familiarity"]
    with _silence(), torch.inference_mode():
        torch.onnx.export(
            _ReadingAlone(Readout(familiarity, projection)).eval(),
            (torch.zeros(2, num_classes), torch.zeros(2, embedding_dim)), file,  # type: ignore[arg-type]  # it takes a file too
            input_names=inputs, output_names=outputs, opset_version=_OPSET, dynamo=False,
            dynamic_axes={name: {0: "N"} for name in (*inputs, *outputs)},
        )  # fmt: skip
    return file.getvalue()


def check_export(backbone: Backbone, path: Path, photos_NSSC: NDArray[np.uint8], readout: Readout = PLAIN) -> float:
    """Compare ONNX Runtime on `path` with the network in float32, one photo at a time and all at once.

    Returns:
        The largest difference of a probability, of a number of the embedding, or of the familiarity.

    Raises:
        ExportCheckError: it is above 1e-3, or no number.
    """
    deployed = _in_fp32(backbone, readout)
    with torch.inference_mode():
        wanted = _compared(*(out.numpy() for out in deployed(torch.from_numpy(np.array(photos_NSSC)))))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    together = _compared(*session.run(deployed.outputs, {INPUT: photos_NSSC}))
    alone = [_compared(*session.run(deployed.outputs, {INPUT: photo_SSC[None]})) for photo_SSC in photos_NSSC[:4]]
    differences = [_largest(one, wanted[index : index + 1]) for index, one in enumerate(alone)]
    difference = float(np.max([_largest(together, wanted), *differences]))
    if not difference <= LARGEST_DIFFERENCE:  # so that NaN is refused too
        raise ExportCheckError(
            f"The exported model answers otherwise than the trained network: on {len(photos_NSSC)} photos a "
            f"probability, a number of the embedding or the familiarity differs by {difference:.2g}; at most "
            f"{LARGEST_DIFFERENCE:g} is accepted. Nothing was published."
        )
    return difference


def _in_fp32(backbone: Backbone, readout: Readout) -> Deployed:
    backbone.network.float().cpu()
    return Deployed(backbone, readout).eval()


def _compared(
    logits_NC: NDArray[np.float32], embedding_ND: NDArray[np.float32], *familiarity: NDArray[np.float32]
) -> NDArray[np.float32]:
    probabilities_NC: NDArray[np.float32] = functional.softmax(torch.from_numpy(logits_NC), dim=1).numpy()
    return np.column_stack([probabilities_NC, embedding_ND, *familiarity])


def _largest(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    return float(np.abs(found - wanted).max()) if found.shape == wanted.shape else float("inf")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The exporter talks to everybody: deprecation warnings, tracing warnings and lines on both outputs."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
