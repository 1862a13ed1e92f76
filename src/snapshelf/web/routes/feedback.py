"""What customers say of answers. It waits for the store's staff and never trains anything by itself."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Path, Response
from starlette.concurrency import run_in_threadpool

from snapshelf.adapters.sqlite_feedback import Feedback
from snapshelf.errors import RequestError
from snapshelf.imaging.decode import decode
from snapshelf.types import Box
from snapshelf.web.feedback_schemas import FeedbackIn, FeedbackReceiptOut
from snapshelf.web.pictures import decoded_base64, kept_photo, needed_for_keeping
from snapshelf.web.state import RequestState, State

router = APIRouter(prefix="/api/v1", tags=["feedback"])

FeedbackNumber = Annotated[int, Path(ge=1, lt=2**63)]


@router.post("/feedback", response_model=FeedbackReceiptOut, status_code=201)
async def give_feedback(state: State, feedback: FeedbackIn) -> FeedbackReceiptOut:
    """Say whether an answer was right, or what the photo shows, and leave the photo if you agree that it is kept."""
    if not feedback.says_something:
        raise RequestError("The feedback is empty; give at least one of helpful, correct_label, product_id, comment.")
    photo = None
    if feedback.image_base64 is not None:
        photo = await state.work.do(partial(_photo, state, feedback.image_base64, feedback.part))
    receipt = await run_in_threadpool(state.feedback.add, _said(state, feedback), photo)
    return FeedbackReceiptOut(id=receipt.id, undo_token=receipt.undo_token, photo_kept=receipt.photo_kept)


def _photo(state: RequestState, image_base64: str, part: Box | None) -> bytes:
    picture = decode(decoded_base64(image_base64), state.limits, needed_px=needed_for_keeping(part))
    return kept_photo(picture.image, part)


def _said(state: RequestState, feedback: FeedbackIn) -> Feedback:
    label = state.recent.label(feedback.request_id)
    return Feedback(
        request_id=feedback.request_id,
        model_id=None if label is None else state.shelf.model.id,
        predicted_label=label,
        helpful=feedback.helpful,
        correct_label=feedback.correct_label,
        product_id=feedback.product_id,
        comment=feedback.comment,
    )


@router.delete("/feedback/{number}", status_code=204)
def undo_feedback(
    state: State, number: FeedbackNumber, undo_token: Annotated[str, Header(min_length=1, max_length=64)]
) -> Response:
    """Take feedback back, photo and all: within ten minutes, with the token that came with its number."""
    if not state.feedback.undo(number, undo_token):
        raise HTTPException(
            404,
            f"There is no feedback {number} that this token takes back: it is another's, or the feedback was reviewed, "
            "taken back before, or given more than ten minutes ago.",
        )
    return Response(status_code=204)
