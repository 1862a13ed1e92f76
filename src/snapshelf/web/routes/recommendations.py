"""A photo in, products out; and what customers say of the answer."""

from __future__ import annotations

import time
import uuid
from typing import Annotated

from fastapi import APIRouter, Form, UploadFile
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from snapshelf.adapters.sqlite_feedback import Feedback
from snapshelf.errors import RequestError
from snapshelf.imaging.decode import decode
from snapshelf.recommend import DEFAULT_TOP_K, MAX_TOP_K, Answer
from snapshelf.types import Box, Filters
from snapshelf.web.schemas import (
    ClassProbabilityOut,
    FeedbackIn,
    FeedbackReceiptOut,
    PredictionOut,
    RecommendationOut,
    RecommendationsOut,
    TimingOut,
)
from snapshelf.web.state import ServerState, State

router = APIRouter(prefix="/api/v1", tags=["recommendations"])


class SearchForm(BaseModel):
    """A photo and what the products must satisfy."""

    photo: UploadFile = Field(description="JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF")
    box: str | None = Field(default=None, description="x,y,w,h as fractions of the upright photo: search for this part")
    top_k: int = Field(default=DEFAULT_TOP_K, ge=1, le=MAX_TOP_K)
    category: str | None = None
    price_min: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    price_max: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    in_stock: bool | None = None
    diversity: float = Field(default=0.0, ge=0, le=1, description="0: the nearest only; 1: as varied as can be")

    @property
    def filters(self) -> Filters:
        """What the products must satisfy."""
        return Filters(
            category=self.category or None,
            price_min=self.price_min,
            price_max=self.price_max,
            in_stock=self.in_stock,
        )


@router.post("/recommendations", response_model=RecommendationsOut)
async def recommend(
    state: State, form: Annotated[SearchForm, Form(media_type="multipart/form-data")]
) -> RecommendationsOut:
    """Recognise a photo and recommend products that look like it. The photo is not kept."""
    return await run_in_threadpool(_answer, state, await form.photo.read(), form)


def _answer(state: ServerState, data: bytes, form: SearchForm) -> RecommendationsOut:
    started = time.perf_counter()
    recommender = state.shelf.recommender
    box = parse_box(form.box) if form.box else None
    picture = decode(data, state.limits, needed_px=recommender.needed_px(box))
    decode_s = time.perf_counter() - started
    answer = recommender.recommend(
        picture.image, top_k=form.top_k, filters=form.filters, diversity=form.diversity, box=box
    )
    request_id = uuid.uuid4().hex
    state.recent.remember(request_id, answer.prediction.label)
    _observe(state, decode_s, answer)
    return RecommendationsOut(
        request_id=request_id,
        model_id=state.shelf.model.id,
        prediction=_prediction(answer),
        recommendations=[RecommendationOut.of(each) for each in answer.recommendations],
        timing_ms=TimingOut(
            decode=_ms(decode_s),
            encode=_ms(answer.encode_s),
            search=_ms(answer.search_s),
            total=_ms(time.perf_counter() - started),
        ),
    )


def _prediction(answer: Answer) -> PredictionOut:
    prediction = answer.prediction
    return PredictionOut(
        label=prediction.label,
        probability=round(prediction.probability, 4),
        verdict=prediction.verdict,
        top=[ClassProbabilityOut(label=each.label, probability=round(each.probability, 4)) for each in prediction.top],
    )


def _observe(state: ServerState, decode_s: float, answer: Answer) -> None:
    for stage, seconds in (("decode", decode_s), ("encode", answer.encode_s), ("search", answer.search_s)):
        state.telemetry.stages.labels(stage).observe(seconds)
    state.telemetry.verdicts.labels(answer.prediction.verdict).inc()


def parse_box(text: str) -> Box:
    """Read `x,y,w,h`.

    Raises:
        RequestError: not four numbers. Whether they lie inside the photo is seen when it is cropped.
    """
    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError:
        raise RequestError(
            f"The box is {text[:60]!r}; expected four numbers x,y,w,h, such as 0.1,0.2,0.5,0.5."
        ) from None
    return Box(x, y, w, h)


@router.post("/feedback", response_model=FeedbackReceiptOut, status_code=201)
def give_feedback(state: State, feedback: FeedbackIn) -> FeedbackReceiptOut:
    """Say whether an answer was right. It waits for the store's staff and never trains anything by itself."""
    if feedback.model_dump(exclude={"request_id"}, exclude_none=True) == {}:
        raise RequestError("The feedback is empty; give at least one of helpful, correct_label, product_id, comment.")
    label = state.recent.label(feedback.request_id)
    model_id = state.shelf.model.id if label is not None else None
    kept = Feedback(model_id=model_id, predicted_label=label, **feedback.model_dump())
    return FeedbackReceiptOut(id=state.feedback.add(kept))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
