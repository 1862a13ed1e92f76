"""Does an exported model say what the store's model says?

Shapes: N photos, S pixels a side, 3 channels, C classes, D numbers an embedding.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from snapshelf.exports.forms import Form
from snapshelf.exports.recipe import INPUT
from snapshelf.metrics.calibration import softmax

_WARM_UP = 3

Look = Callable[[NDArray[np.uint8]], list[NDArray[np.float32]]]
"""Photos (1, S, S, 3) → logits (1, C) and embedding (1, D)."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said of N photos, and how long it took for one."""

    probabilities_NC: NDArray[np.float64]
    embedding_ND: NDArray[np.float32]
    ms: float
    """The median."""

    @property
    def label_N(self) -> NDArray[np.int64]:
        """The most probable label of each photo, by its place."""
        places_N: NDArray[np.int64] = self.probabilities_NC.argmax(axis=1)
        return places_N


@dataclass(frozen=True, slots=True)
class Parity:
    """How an exported model compares with the store's own, over the same photos."""

    num_photos: int
    num_validation: int
    """So many of these were not trained on; the accuracies are those of them, or of all photos where there are none."""
    agreement: float | None
    """The share of photos with the same most probable label; None without labels."""
    max_probability_difference: float | None
    accuracy: float | None
    exported_accuracy: float | None
    lowest_similarity: float
    """The least cosine between both embeddings of a photo."""
    megabytes: float
    exported_megabytes: float
    ms: float
    exported_ms: float

    @property
    def accuracy_lost(self) -> float:
        """In shares of one; negative where the exported model is right more often."""
        return (
            0.0 if self.accuracy is None or self.exported_accuracy is None else self.accuracy - self.exported_accuracy
        )

    def to_json(self) -> dict[str, object]:
        """By the names above."""
        return asdict(self)


def opened(path: Path, form: Form, num_threads: int) -> Look:
    """An exported model, ready to look on so many cores."""
    return _OPENERS[form](path, num_threads)


def _open_onnx(path: Path, num_threads: int) -> Look:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda photos_NSSC: list(session.run(["logits", "embedding"], {INPUT: photos_NSSC}))


def _open_openvino(path: Path, num_threads: int) -> Look:
    from snapshelf.adapters.quiet_openvino import ov  # noqa: PLC0415 (an extra)

    options = {"INFERENCE_NUM_THREADS": num_threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    model = ov.Core().compile_model(path, "CPU", options)
    request, ports = model.create_infer_request(), [model.output(name) for name in ("logits", "embedding")]

    def look(photos_NSSC: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        found = request.infer([photos_NSSC])
        return [found[port] for port in ports]

    return look


def _open_litert(path: Path, num_threads: int) -> Look:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 (an extra)

    interpreter = Interpreter(str(path), num_threads=num_threads)
    run = interpreter.get_signature_runner()

    def look(photos_NSSC: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        found = run(args_0=photos_NSSC)
        return [found["output_0"], found["output_1"]]

    return look


_OPENERS: dict[Form, Callable[[Path, int], Look]] = {
    "onnx": _open_onnx,
    "litert": _open_litert,
    "openvino": _open_openvino,
    "web": _open_onnx,
}


def said_of(look: Look, photos_NSSC: NDArray[np.uint8], temperature: float, tell: Callable[[int], None]) -> Said:
    """Show it photos, one by one; `tell` is called after each."""
    logits, embeddings, seconds = [], [], []
    for photo_SSC in photos_NSSC:
        started = time.perf_counter()
        logits_NC, embedding_ND = look(photo_SSC[None])
        seconds.append(time.perf_counter() - started)
        logits.append(logits_NC)
        embeddings.append(embedding_ND)
        tell(1)
    ms = 1000 * statistics.median(seconds[_WARM_UP:] or seconds)
    logits_NC = np.concatenate(logits)
    probabilities_NC = softmax(logits_NC, temperature) if logits_NC.size else logits_NC.astype(np.float64)
    return Said(probabilities_NC, np.concatenate(embeddings), ms)


def parity_of(
    said: Said, exported: Said, labels_N: NDArray[np.int64], num_validation: int, *, megabytes: tuple[float, float]
) -> Parity:
    """Compare what two models said.

    Args:
        said: by the store's model.
        exported: by the other one, of the same photos.
        labels_N: what the photos really show, by the place of the label.
        num_validation: how many of them, the first ones, were not trained on.
        megabytes: of both models.
    """
    has_labels = said.probabilities_NC.shape[1] > 0
    judged = slice(num_validation or None)

    def accuracy(of: Said) -> float | None:
        return float((of.label_N == labels_N)[judged].mean()) if has_labels else None

    differences_NC = np.abs(said.probabilities_NC - exported.probabilities_NC)
    return Parity(
        num_photos=len(labels_N),
        num_validation=num_validation,
        agreement=float((said.label_N == exported.label_N).mean()) if has_labels else None,
        max_probability_difference=float(differences_NC.max()) if has_labels else None,
        accuracy=accuracy(said),
        exported_accuracy=accuracy(exported),
        lowest_similarity=float((said.embedding_ND * exported.embedding_ND).sum(axis=1).min()),
        megabytes=megabytes[0],
        exported_megabytes=megabytes[1],
        ms=said.ms,
        exported_ms=exported.ms,
    )
