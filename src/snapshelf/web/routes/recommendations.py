"""A photo in, products out."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

from snapshelf.drift.quantities import similarity
from snapshelf.imaging.decode import decode
from snapshelf.recommend.recommender import Answer, Look
from snapshelf.types import Box
from snapshelf.web.looks import key_of
from snapshelf.web.schemas import (
    ClassProbabilityOut,
    PredictionOut,
    RecommendationOut,
    RecommendationsOut,
    SearchTimingOut,
    SimilarOut,
    TimingOut,
)
from snapshelf.web.search_fields import PhotoSearchFields, SimilarFields
from snapshelf.web.state import RequestState, State

router = APIRouter(prefix="/api/v1", tags=["recommendations"])


@router.post("/recommendations", response_model=RecommendationsOut)
async def recommend(
    state: State, form: Annotated[PhotoSearchFields, Form(media_type="multipart/form-data")]
) -> Response:
    """Recognise a photo and recommend products that look like it. The photo is not kept."""
    # Written where the photo was looked at: FastAPI would check and write it while others wait to be read.
    return Response(await state.work.do(partial(_answer, state, form)), media_type="application/json")


def _answer(state: RequestState, form: PhotoSearchFields) -> bytes:
    started = time.perf_counter()
    look, decode_s = look_at(state, form.photo.file.read(), form.part)
    answer = state.shelf.recommender.answer(look, form.options)
    request_id = uuid.uuid4().hex
    state.recent.remember(request_id, answer.prediction.label)
    count_answer(state, answer, look if form.part is None else None)
    timing = TimingOut(
        decode=_ms(decode_s),
        encode=_ms(answer.encode_s),
        search=_ms(answer.search_s),
        total=_ms(time.perf_counter() - started),
    )
    answered = RecommendationsOut(
        request_id=request_id,
        model_id=state.shelf.model.id,
        prediction=_prediction(answer),
        recommendations=[RecommendationOut.of(each) for each in answer.recommendations],
        timing_ms=timing,
    )
    return answered.model_dump_json().encode()


def look_at(state: RequestState, data: bytes, part: Box | None) -> tuple[Look, float]:
    """What the model says of the photo, and the seconds of decoding it: none where it was looked at shortly before."""
    key = key_of(state.shelf.model.id, data, part)
    if known := state.looks.get(key):
        state.telemetry.repeated.inc()
        return replace(known, encode_s=0.0), 0.0
    started = time.perf_counter()
    recommender, shadow = state.shelf.recommender, state.shadow
    least_px = shadow.size_px if shadow else 0
    picture = decode(data, state.limits, needed_px=recommender.needed_px(part, at_least=least_px))
    decode_s = time.perf_counter() - started
    look = recommender.look(picture.image, part)
    state.looks.put(key, look)
    if shadow and state.shelf.model.labels:
        shadow.consider(picture.image, part, look.encoding, state.shelf.model)
    for stage, seconds in (("decode", decode_s), ("encode", look.encode_s)):
        state.telemetry.stages.labels(stage).observe(seconds)
    return look, decode_s


def _prediction(answer: Answer) -> PredictionOut:
    prediction = answer.prediction
    return PredictionOut(
        label=prediction.label,
        probability=round(prediction.probability, 4),
        verdict=prediction.verdict,
        top=[ClassProbabilityOut(label=each.label, probability=round(each.probability, 4)) for each in prediction.top],
    )


def count_answer(state: RequestState, answer: Answer, look: Look | None) -> None:
    """In the metrics; the look at a whole photo is compared with the usual ones, parts of it would count it again."""
    state.telemetry.stages.labels("search").observe(answer.search_s)
    state.telemetry.verdicts.labels(answer.prediction.verdict).inc()
    if look is not None:
        state.drift.observe(look, state.shelf.model, similarity(answer.nearest))


@router.get("/recommendations", response_model=SimilarOut)
def similar(state: State, wanted: Annotated[SimilarFields, Query()]) -> SimilarOut:
    """More like these products, and less like those: at least one `like`."""
    started = time.perf_counter()
    found = state.shelf.recommender.similar(wanted.options)
    return SimilarOut(
        model_id=state.shelf.model.id,
        recommendations=[RecommendationOut.of(each) for each in found],
        timing_ms=SearchTimingOut(total=_ms(time.perf_counter() - started)),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
