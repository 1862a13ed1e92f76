"""What goes over the wire to and from the store's staff."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from snapshelf.adapters.sqlite_feedback import KeptFeedback, ReviewState
from snapshelf.web.feedback_schemas import FeedbackFields
from snapshelf.web.schemas import ShortText


class FeedbackOut(FeedbackFields):
    """Feedback as staff read it."""

    id: int
    created_at: str
    model_id: str | None
    predicted_label: str | None
    state: ReviewState
    label: str | None
    """What the photo shows, as staff say: of accepted feedback about that."""
    reviewed_at: str | None
    has_photo: bool

    @classmethod
    def of(cls, kept: KeptFeedback) -> FeedbackOut:
        """The wire form of feedback."""
        said = kept.feedback
        return cls(
            id=kept.id,
            created_at=kept.created_at,
            model_id=said.model_id,
            predicted_label=said.predicted_label,
            request_id=said.request_id,
            helpful=said.helpful,
            correct_label=said.correct_label,
            product_id=said.product_id,
            comment=said.comment,
            state=kept.state,
            label=kept.label,
            reviewed_at=kept.reviewed_at,
            has_photo=kept.has_photo,
        )


class FeedbackListOut(BaseModel):
    """Feedback, newest first; `total` is of the state that was asked for, `counts` of each."""

    feedback: list[FeedbackOut]
    total: int
    counts: dict[ReviewState, int]


class ReviewIn(BaseModel):
    """What staff make of feedback; `waiting` takes that back. Without a `label`, what the customer said is accepted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    state: ReviewState
    label: ShortText | None = None


ModelState = Literal["serving", "chosen", "ready"]
"""`serving` answers now; `chosen` will as soon as it is opened, in a second or so."""


class ShadowOut(BaseModel):
    """How a model does that looks at customers' photos beside the one that answers."""

    num_photos: int
    agreement: float
    """The share of photos that both take for the same, 0 to 1."""
    mean_difference: float
    """Of the probability of what each takes a photo for, 0 to 1."""


class ModelOut(BaseModel):
    """A model of the store, and its scores on its validation photos."""

    id: str
    created_at: str
    backbone: str
    recipe: str
    dataset_id: str | None
    num_classes: int
    num_photos: int | None
    """Photos that it learnt from, where its card says so."""
    accuracy: float | None
    macro_f1: float | None
    ece: float | None
    """The expected calibration error, 0 to 1."""
    has_index: bool
    """Whether it can be used: without an index of its own it has no products to recommend."""
    state: ModelState
    shadow: ShadowOut | None = None
    """Of the model that `serve --shadow` names, as soon as it has seen a photo."""


class ModelsOut(BaseModel):
    """The store's models, the newest first."""

    models: list[ModelOut]


class ChoiceIn(BaseModel):
    """Which model to use."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: ShortText


class StageOut(BaseModel):
    """Milliseconds that half and 95 of 100 photos took at most, as far as the counters' steps tell."""

    p50_ms: float
    p95_ms: float


class MomentOut(BaseModel):
    """What happened in one step of time."""

    at: str
    """When it ended: UTC, ISO 8601."""
    requests: int
    failures: int
    """Answers that were the server's fault, 500 and above."""
    refusals: dict[str, int]
    """Answers with a problem, by its kind."""
    verdicts: dict[str, int]
    stages: dict[str, StageOut]
    in_flight: int
    waiting: int
    """Photos that wait for a free core."""
    drift: dict[str, float] = Field(default_factory=dict)
    """How far customers' photos were from the usual, by quantity: 1 is as far as luck goes, above it they drift. Empty
    while too few photos came, and where the model has no baseline."""


class HealthOut(BaseModel):
    """The last hour of this server, in steps of `step_s` seconds, oldest first."""

    step_s: int
    moments: list[MomentOut]
