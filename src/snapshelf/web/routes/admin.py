"""What only staff may see and do: the review of feedback, the models, the server's health."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response

from snapshelf.adapters.sqlite_feedback import KeptFeedback, ReviewState
from snapshelf.web.admin import AdminOnly
from snapshelf.web.models import choose_model, models_of
from snapshelf.web.routes.feedback import FeedbackNumber
from snapshelf.web.search_fields import Offset
from snapshelf.web.staff_schemas import (
    ChoiceIn,
    FeedbackListOut,
    FeedbackOut,
    HealthOut,
    ModelsOut,
    ReviewIn,
)
from snapshelf.web.state import State

router = APIRouter(prefix="/api/v1/admin", tags=["admin"], dependencies=[AdminOnly])


@router.get("/feedback", response_model=FeedbackListOut)
def feedback(
    state: State,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    wanted: Annotated[ReviewState | None, Query(alias="state", description="only what is in this state")] = None,
) -> FeedbackListOut:
    """What customers said, newest first."""
    page = state.feedback.newest(offset=offset, limit=limit, state=wanted)
    counts = state.feedback.counts()
    return FeedbackListOut(
        feedback=[FeedbackOut.of(kept) for kept in page],
        total=counts[wanted] if wanted else sum(counts.values()),
        counts=counts,
    )


@router.get("/feedback/{number}/photo", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
def feedback_photo(state: State, number: FeedbackNumber) -> Response:
    """The photo that a customer left with feedback."""
    photo = state.feedback.photo(number)
    if photo is None:
        raise HTTPException(404, f"There is no photo with the feedback {number}: none was left, or it was removed.")
    return Response(photo, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.put("/feedback/{number}/review", response_model=FeedbackOut)
def review_feedback(state: State, number: FeedbackNumber, review: ReviewIn) -> FeedbackOut:
    """Accept feedback, correct what it says, reject it, or let it wait again."""
    return FeedbackOut.of(_found(state.feedback.review(number, review.state, review.label), number))


def _found(kept: KeptFeedback | None, number: int) -> KeptFeedback:
    if kept is None:
        raise HTTPException(404, f"There is no feedback {number}: it was taken back, or its days are over.")
    return kept


@router.get("/models", response_model=ModelsOut)
def models(state: State) -> ModelsOut:
    """The store's models with their scores, the newest first."""
    return ModelsOut(models=models_of(state))


@router.put("/models/current", response_model=ModelsOut)
def use_model(state: State, choice: ChoiceIn) -> ModelsOut:
    """Use another model, with the index that it made: roll back, or forward again. It answers within seconds."""
    choose_model(state, choice.id)
    return ModelsOut(models=models_of(state))


@router.get("/health", response_model=HealthOut)
def health(state: State) -> HealthOut:
    """The last hour of this server."""
    return HealthOut(step_s=state.history.step_s, moments=state.history.moments())
