"""Photos that stand in more than one split: which of them give way.

N is the number of photos.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snapshelf.data.groups import members


def sheltered_in(group_N: NDArray[np.int64], split_N: NDArray[np.int8]) -> NDArray[np.int8]:
    """For each photo the split in which its group stays: test before validation before training.

    What a model is judged by stays; what it is chosen by, or learns from, gives way. So a photo leaks where this is not
    its own split.

    Args:
        group_N: photos of one group must not be in two splits: the same picture, one product, parts of one file.
        split_N: indices into `SPLITS`, whose order is that of the shelter.
    """
    stays_N = split_N.copy()
    for rows in members(group_N):
        stays_N[rows] = split_N[rows].max()
    return stays_N
