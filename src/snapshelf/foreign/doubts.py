"""Whether a network was described as it was trained: another scaling of pixels or order of labels may fit better.

Shapes: N photos, S pixels a side, 3 channels, C categories.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from snapshelf.errors import ConfigError
from snapshelf.foreign.answers import AnswersOut, Asked
from snapshelf.foreign.reading import Network
from snapshelf.foreign.scaling import Scaling, usual_scalings
from snapshelf.metrics.comparison import mcnemar
from snapshelf.progress import progress

_BY_LUCK = 1e-3
"""How likely a difference may be between two that are equally good, to be called one."""

_CONVINCING = 0.5
"""The share of photos that another order has to be right for: a network that knows nothing suits none."""


def check_scaling(
    network: Network,
    answers: AnswersOut,
    given: Scaling,
    photos_NSSC: NDArray[np.uint8],
    labels_N: NDArray[np.int64],
    num_threads: int,
) -> None:
    """Try the usual ways to scale pixels.

    Raises:
        ConfigError: the network recognises more of these photos with one of them; says which.
    """
    asked = Asked(network, [answers.output], num_threads)
    tried = [given, *(each for each in usual_scalings(network.photos) if each != given)]
    others: dict[Scaling, NDArray[np.bool_]] = {}
    with progress("Trying how pixels may be scaled", len(tried) * len(labels_N)) as tell:
        for scaling in tried:
            (output_NC,) = asked(scaling.apply(photos_NSSC, network.photos))
            others[scaling] = output_NC.argmax(axis=1) == labels_N
            tell(len(labels_N))
    right_N = others.pop(given)
    best = max(others, key=lambda each: int(others[each].sum()), default=given)
    if best != given and _is_better(others[best], right_N):
        raise ConfigError(
            f"With {given.as_options()} the model recognises {right_N.mean():.1%} of {len(labels_N)} validation "
            f"photos, with {best.as_options()} {others[best].mean():.1%}. Nothing was added; say how it was trained."
        )


def check_order(scores_NC: NDArray[np.floating], labels_N: NDArray[np.int64], labels: Sequence[str]) -> None:
    """Find the order of the labels that fits every second photo best, and try it on the others.

    Raises:
        ConfigError: the network recognises more of them so; says the order.
    """
    said_N = scores_NC.argmax(axis=1)
    confusion_CC = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion_CC, (said_N[::2], labels_N[::2]), 1)
    # As they stand, where nothing speaks against it.
    _, order_C = linear_sum_assignment(confusion_CC + 0.5 * np.eye(len(labels)), maximize=True)
    right_N, right_so_N = said_N[1::2] == labels_N[1::2], order_C[said_N[1::2]] == labels_N[1::2]
    if right_so_N.mean() >= _CONVINCING and _is_better(right_so_N, right_N):
        raise ConfigError(
            f"With the labels in this order the model recognises {right_N.mean():.1%} of {len(right_N)} validation "
            f"photos, in another one {right_so_N.mean():.1%}. Nothing was added; its answers seem to be: "
            f"{','.join(labels[place] for place in order_C)}"
        )


def _is_better(right_other_N: NDArray[np.bool_], right_N: NDArray[np.bool_]) -> bool:
    found = mcnemar(right_other_N, right_N)
    return found.only_first > found.only_second and found.p_value < _BY_LUCK
