"""What the page does by itself where scripts run, for browsers where they don't: a form in, a page of products out."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from pydantic import Field, field_validator
from starlette.concurrency import run_in_threadpool

from snapshelf.recommend.options import SearchOptions
from snapshelf.recommend.recommender import Look
from snapshelf.types import Product
from snapshelf.web.cards import cards_of, safe_link
from snapshelf.web.looks import key_of
from snapshelf.web.pages import PageWords, draw, page_response
from snapshelf.web.routes.page import has_prices_and_stock
from snapshelf.web.routes.recommendations import count_answer, look_at
from snapshelf.web.schemas import ProductOut
from snapshelf.web.search_fields import FilterFields
from snapshelf.web.state import RequestState, State
from snapshelf.web.words import Words

router = APIRouter(include_in_schema=False)

_TOP_K = 24


class ResultsForm(FilterFields):
    """A photo; or, to filter, the hash of one that was looked at shortly before, since a form can't hold it twice."""

    photo: UploadFile | None = None
    seen: str = Field(default="", pattern="^([0-9a-f]{64})?$")


class LikeFields(FilterFields):
    """A product that the others should be like."""

    like: str = Field(default="", max_length=1000)

    @field_validator("price_min", "price_max", mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        """What was not filled in stands in an address as an empty text."""
        return None if value == "" else value


@router.post("/results")
async def results(
    request: Request,
    state: State,
    words: PageWords,
    form: Annotated[ResultsForm, Form(media_type="multipart/form-data")],
) -> Response:
    """Products like a photo. The photo is not kept."""
    return page_response(request, words, await state.work.do(partial(_by_photo, state, words, form)))


@router.get("/results")
async def results_like(
    request: Request, state: State, words: PageWords, wanted: Annotated[LikeFields, Query()]
) -> Response:
    """Products like another one; the start where none is named."""
    if not wanted.like:
        return RedirectResponse(f"/?language={words.language}", 303)
    return page_response(request, words, await run_in_threadpool(_by_product, state, words, wanted))


def _by_photo(state: RequestState, words: Words, form: ResultsForm) -> str:
    look, seen = _look(state, form)
    answer = state.shelf.recommender.answer(look, SearchOptions(top_k=_TOP_K, filters=form.filters))
    count_answer(state, answer, look)
    cards = cards_of(answer.recommendations, words, _query(form))
    return _drawn(state, words, form, seen=seen, prediction=answer.prediction, cards=cards)


def _by_product(state: RequestState, words: Words, wanted: LikeFields) -> str:
    options = SearchOptions(top_k=_TOP_K, filters=wanted.filters, liked=(wanted.like,))
    found = state.shelf.recommender.similar(options)
    product = state.shelf.index.product(wanted.like)
    return _drawn(state, words, wanted, liked=product, cards=cards_of(found, words, _query(wanted)))


def _look(state: RequestState, form: ResultsForm) -> tuple[Look, str]:
    """What the model says of the photo, and the photo's hash."""
    data = form.photo.file.read() if form.photo else b""
    if data:
        return look_at(state, data, None)[0], key_of(state.shelf.model.id, data, None)[1].hex()
    known = state.looks.get((state.shelf.model.id, bytes.fromhex(form.seen), None))
    if known is None:
        raise HTTPException(410, "The photo is not known any more; photos are not kept. Send it again.")
    return known, form.seen


def _query(fields: FilterFields) -> dict[str, str]:
    """The filters in use, as an address has them."""
    used = fields.model_dump(include={"category", "price_min", "price_max", "in_stock"}, exclude_none=True)
    return {name: str(value).lower() if value is True else str(value) for name, value in used.items() if value}


def _drawn(
    state: RequestState, words: Words, fields: FilterFields, liked: Product | None = None, **values: object
) -> str:
    has_prices, has_stock = has_prices_and_stock(state)
    shown = {
        "store_name": state.shelf.config.name,
        "categories": list(state.shelf.index.categories()),
        "has_prices": has_prices,
        "has_stock": has_stock,
        "filters": fields,
        "seen": "",
        "prediction": None,
        "liked": liked,
        "liked_link": safe_link(liked.url) if liked else None,
        "liked_image": _image(state, liked) if liked else None,
    }
    return draw("results.html", words, **(shown | values))


def _image(state: RequestState, product: Product) -> str:
    photos = state.shelf.index.product_photos(product.id)
    return ProductOut.of(product, photos[0].photo_sha256 if photos else "").image_url
