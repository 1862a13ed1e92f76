"""What a comparison of photos with a baseline came to.

Shapes: N usual photos, M photos of now, Q quantities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapshelf.drift.findings import Finding
from snapshelf.drift.judgement import known
from snapshelf.drift.quantities import Quantity
from snapshelf.metrics.drift import LEAST_PHOTOS, Shift
from snapshelf.types import Rejected


@dataclass(frozen=True, slots=True)
class Drift:
    """Photos of now against a model's baseline."""

    model_id: str
    source: str
    baseline: str
    """Which photos are the usual ones, in words."""
    usual_NQ: NDArray[np.float32]
    values_MQ: NDArray[np.float32]
    shifts: Mapping[Quantity, Shift]
    """Empty where there are too few photos to judge."""
    embedding: Shift | None
    findings: Sequence[Finding]
    classes: Sequence[tuple[str, float, float]]
    """Each label's share of the predictions, 0 to 1, usually and now; the largest change first."""
    rejected: Sequence[Rejected]
    without_index: str | None
    """Why the similarity to products was left out."""
    report_path: Path

    @property
    def num_photos(self) -> int:
        """Photos of now that were looked at."""
        return len(self.values_MQ)

    @property
    def drifted(self) -> bool | None:
        """Whether anything has moved; None where there are too few photos to tell."""
        return bool(self.findings) if self.shifts else None

    @property
    def in_words(self) -> str:
        """The same in a sentence."""
        if self.drifted is None:
            few = f"{LEAST_PHOTOS} of each are needed"
            return f"too few to tell: {self.num_photos:,} now, {len(self.usual_NQ):,} usual ones; {few}."
        if not self.drifted:
            return "as usual."
        names = ", ".join(each.quantity for each in self.findings)
        return f"DRIFT in {len(self.findings)} of {len(self.shifts) + 1}: {names}."

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "drifted": self.drifted,
            "model_id": self.model_id,
            "source": self.source,
            "num_photos": self.num_photos,
            "baseline": {"photos": self.baseline, "num_photos": len(self.usual_NQ)},
            "quantities": {name: self._quantity(name, shift) for name, shift in self.shifts.items()},
            "embedding": _to_json(self.embedding, "distance") if self.embedding else None,
            "classes": [{"label": label, "usual": was, "now": now} for label, was, now in self.classes],
            "findings": [asdict(each) for each in self.findings],
            "without_index": self.without_index,
            "rejected": [bad.to_json() for bad in self.rejected],
            "report": str(self.report_path),
        }

    def _quantity(self, name: Quantity, shift: Shift) -> dict[str, Any]:
        found = _to_json(shift, "psi")
        if name != "class":
            found["median"] = [
                round(float(np.median(known(each, name))), 4) for each in (self.usual_NQ, self.values_MQ)
            ]
        return found


def _to_json(shift: Shift, name: str) -> dict[str, Any]:
    return {name: round(shift.value, 4), "limit": round(shift.limit, 4), "drifted": shift.is_drift}
