"""What only staff may read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from snapshelf.web.admin import AdminOnly
from snapshelf.web.schemas import FeedbackListOut, FeedbackOut
from snapshelf.web.search_fields import Offset
from snapshelf.web.state import State

router = APIRouter(prefix="/api/v1/admin", tags=["admin"], dependencies=[AdminOnly])


@router.get("/feedback", response_model=FeedbackListOut)
def feedback(state: State, offset: Offset = 0, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> FeedbackListOut:
    """What customers said, newest first."""
    page = state.feedback.newest(offset=offset, limit=limit)
    return FeedbackListOut(
        feedback=[FeedbackOut(id=kept.id, created_at=kept.created_at, **asdict(kept.feedback)) for kept in page],
        total=state.feedback.count(),
    )
