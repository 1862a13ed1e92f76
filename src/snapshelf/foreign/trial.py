"""A model in the store's form, tried on photos and compared with the network that it was made of.

Shapes: N photos, S pixels a side, 3 channels, C categories, D numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch.nn import functional

from snapshelf.data.near_duplicates import PhotoRows
from snapshelf.errors import ExportCheckError, ModelFileError
from snapshelf.foreign.answers import AnswersOut, Asked, as_probabilities, scores_as_logits
from snapshelf.foreign.form import EMBEDDING, LOGITS, PHOTOS
from snapshelf.foreign.reading import Network
from snapshelf.foreign.scaling import Scaling
from snapshelf.training.export import LARGEST_DIFFERENCE, Readout
from snapshelf.training.inference import Seen

_BATCH = 32
_NUM_ALONE = 4

_LARGEST_OF_HALF = 1e-2
"""Networks in float16 are computed in float32 where the processor or an operation wants it, so a little otherwise."""


class Trial:
    """A model, held in memory."""

    def __init__(self, content: bytes, num_threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def look_at(self, photos_NSSC: PhotoRows, rows: NDArray[np.int64], tell: Callable[[int], None]) -> Seen:
        """What it says of the photos in these rows; `tell` is called with the number of each batch.

        Raises:
            ModelFileError: it says what is no number.
        """
        parts = []
        for start in range(0, len(rows), _BATCH):
            batch_NSSC = np.ascontiguousarray(photos_NSSC[rows[start : start + _BATCH]])
            parts.append(self.answers([LOGITS, EMBEDDING], batch_NSSC))
            tell(len(batch_NSSC))
        seen = Seen(*(np.concatenate(each) for each in zip(*parts, strict=True)))
        if not (np.isfinite(seen.logits_NC).all() and np.isfinite(seen.embedding_ND).all()):
            raise ModelFileError("The model says of some of the store's photos what is no number (NaN or infinite).")
        return seen

    def answers(self, outputs: Sequence[str], photos_NSSC: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """These outputs, for all photos at once."""
        found: list[NDArray[np.float32]] = self._session.run(list(outputs), {PHOTOS: photos_NSSC})
        return found


def check_answers(
    trial: Trial,
    network: Network,
    answers: AnswersOut,
    scaling: Scaling,
    readout: Readout,
    photos_NSSC: NDArray[np.uint8],
) -> float:
    """Compare a model, one photo at a time and all at once, with the network as it came, whose photos NumPy scales.

    Returns:
        The largest difference of a probability, of a number of the embedding, or of the familiarity.

    Raises:
        ExportCheckError: it is above 1e-3, or 1e-2 of a network in float16, or no number.
    """
    outputs = [LOGITS, EMBEDDING, *(["familiarity"] if readout.familiarity else [])]

    def compared(logits_NC: NDArray[np.float32], *others: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.column_stack([as_probabilities(logits_NC, answers.last), *others])

    wanted = _wanted(network, answers, scaling, readout, photos_NSSC)
    together = compared(*trial.answers(outputs, photos_NSSC))
    alone = [compared(*trial.answers(outputs, photo_SSC[None])) for photo_SSC in photos_NSSC[:_NUM_ALONE]]
    difference = float(max(np.abs(together - wanted).max(), np.abs(np.concatenate(alone) - wanted[:_NUM_ALONE]).max()))
    accepted = _LARGEST_OF_HALF if network.photos.dtype == "float16" else LARGEST_DIFFERENCE
    if not difference <= accepted:  # so that NaN is refused too
        raise ExportCheckError(
            f"In the store's form the model answers otherwise than as it came: on {len(photos_NSSC)} photos a "
            f"probability, a number of the embedding or the familiarity differs by {difference:.2g}; at most "
            f"{accepted:g} is accepted. Nothing was added."
        )
    return difference


def _wanted(
    network: Network, answers: AnswersOut, scaling: Scaling, readout: Readout, photos_NSSC: NDArray[np.uint8]
) -> NDArray[np.float64]:
    asked = Asked(network, [answers.output, answers.scores, answers.embedding], 1)
    output_NC, scores_NC, embedding_ND = asked(scaling.apply(photos_NSSC, network.photos))
    probabilities_NC = as_probabilities(output_NC, "logits") if answers.last in ("logits", "LogSoftmax") else output_NC
    unit_ND = functional.normalize(torch.from_numpy(embedding_ND.astype(np.float32)), dim=1)
    logits_NC = scores_as_logits(scores_NC, answers.last)
    with torch.inference_mode():
        projected_NP = readout.projection(unit_ND) if readout.projection else unit_ND
    familiar = [readout.familiarity.of(Seen(logits_NC, unit_ND.numpy()))] if readout.familiarity else []
    return np.column_stack([probabilities_NC, projected_NP.numpy(), *familiar]).astype(np.float64)
