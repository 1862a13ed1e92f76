"""All that is known of how a model did on some photos: what `metrics.json` holds and the report shows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from snapshelf.metrics.bootstrap import Interval, ScoreIntervals
from snapshelf.metrics.classification import ClassificationScores
from snapshelf.metrics.comparison import McNemar
from snapshelf.metrics.rejection import RejectionScores
from snapshelf.metrics.retrieval import RetrievalScores
from snapshelf.types import Rejected, Split, Verdict


@dataclass(frozen=True, slots=True)
class VerdictCount:
    """How a word was used."""

    num_photos: int
    precision: float | None
    """The share of these answers that was right; None where there was none."""
    promised: float | None
    """What it should be at least; None for words that promise nothing."""
    num_unknown: int
    """How many photos of classes that the model does not know were called so too."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Another model on the same photos."""

    model_id: str
    accuracy: float
    accuracy_of_this: float
    num_photos: int
    """That both looked at."""
    difference: McNemar
    """This model first."""


@dataclass(frozen=True, slots=True)
class SupercategoryScores:
    """How well is told what the categories belong to; each is as probable as its categories together."""

    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    ece: float
    num_supercategories: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a model did, and on what. `dataset_id` or `data` names the photos; the other one is None."""

    model_id: str
    dataset_id: str | None
    data: str | None
    split: Split | None
    scores: ClassificationScores
    intervals: ScoreIntervals
    temperature: float
    ece_before: float
    """The calibration error without the temperature."""
    ece_by_luck: tuple[float, float]
    """What it would be of perfect calibration, on as many photos: the mean, and what 95 of 100 stay below."""
    verdicts: dict[Verdict, VerdictCount]
    unknown: dict[str, int]
    """Labels that the model does not know, and how many photos have each."""
    rejection: RejectionScores | None
    """How well photos of unknown classes are told from the others by the familiarity; None where there are none."""
    same_class: RetrievalScores | None
    same_product: RetrievalScores | None
    supercategories: SupercategoryScores | None
    comparison: Comparison | None
    rejected: list[Rejected]
    report_path: Path

    def to_json(self) -> dict[str, Any]:
        """What `metrics.json` holds and `--json` prints. Intervals are [low, high], 95 %, by bootstrap."""
        scores, intervals = self.scores, self.intervals
        of_classes = zip(intervals.precision_C, intervals.recall_C, intervals.f1_C, strict=True)
        unknown = {"num_photos": sum(self.unknown.values()), "labels": sorted(self.unknown)}
        return {
            "model_id": self.model_id,
            "dataset_id": self.dataset_id,
            "data": self.data,
            "split": self.split,
            "accuracy": scores.accuracy,
            "macro_f1": scores.macro_f1,
            "weighted_f1": scores.weighted_f1,
            "top5_accuracy": scores.top5_accuracy,
            "ece": scores.ece,
            "num_photos": scores.num_photos,
            "num_classes": scores.num_classes,
            "intervals": {
                name: getattr(intervals, name)
                for name in ("accuracy", "macro_f1", "weighted_f1", "top5_accuracy", "ece")
            },
            "calibration": {
                "temperature": self.temperature,
                "ece_before": self.ece_before,
                "ece": scores.ece,
                "ece_by_luck": self.ece_by_luck[0],
                "ece_by_luck_95": self.ece_by_luck[1],
            },
            "verdicts": {verdict: asdict(count) for verdict, count in self.verdicts.items()},
            "retrieval": {
                "same_class": asdict(self.same_class) if self.same_class else None,
                "same_product": asdict(self.same_product) if self.same_product else None,
            },
            "per_class": {
                label: asdict(each) | {"precision_interval": p, "recall_interval": r, "f1_interval": f}
                for (label, each), (p, r, f) in zip(scores.per_class.items(), of_classes, strict=True)
            },
            "confusion": {"labels": list(scores.per_class), "counts": scores.confusion_CC.tolist()},
            "supercategories": asdict(self.supercategories) if self.supercategories else None,
            "comparison": asdict(self.comparison) if self.comparison else None,
            "rejected": [bad.to_json() for bad in self.rejected],
            "unknown": unknown | (asdict(self.rejection) if self.rejection else {}),
            "report": str(self.report_path),
        }
