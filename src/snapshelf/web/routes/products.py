"""What the store sells: for customers to look at, for staff to change."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Depends, Form, Header, HTTPException, Query, Response

from snapshelf.errors import ProductNotFoundError, RequestError
from snapshelf.imaging.decode import decode
from snapshelf.recommend.options import MAX_TEXT_CHARACTERS
from snapshelf.together.bought_together import DEFAULT_LIMIT, MAX_LIMIT
from snapshelf.types import Box, Filters, Product
from snapshelf.web.admin import AdminOnly
from snapshelf.web.pictures import decoded_base64, fitted
from snapshelf.web.schemas import (
    BoughtTogetherOut,
    CategoriesOut,
    CategoryOut,
    CompanionOut,
    FacetsOut,
    MatchOut,
    ProductIn,
    ProductOut,
    ProductsOut,
)
from snapshelf.web.search_fields import FilterFields, Offset, PhotoFields
from snapshelf.web.state import RequestState, State

router = APIRouter(prefix="/api/v1", tags=["products"])

_MOST_BY_WORDS = 200
_FOR_GOOD = "public, max-age=31536000, immutable"


@router.get("/categories", response_model=CategoriesOut)
def categories(state: State) -> CategoriesOut:
    """Every category and how many products it has."""
    return CategoriesOut(categories=count_by_category(state))


def count_by_category(state: RequestState) -> list[CategoryOut]:
    """The categories of the index, in the order of the alphabet."""
    return [CategoryOut(name=name, num_products=count) for name, count in state.shelf.index.categories().items()]


@router.get("/products", response_model=ProductsOut)
def products(
    state: State,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    category: Annotated[str | None, Query()] = None,
    text: Annotated[
        str, Query(max_length=MAX_TEXT_CHARACTERS, description="words that the products have, or an id")
    ] = "",
) -> ProductsOut:
    """A page of products, in the order of their ids; or of the 200 that match some words best, the best first."""
    if text.strip():
        ids = _by_words(state, text.strip(), Filters(category=category))
        shown = filter(None, map(state.shelf.index.product, ids[offset : offset + limit]))
        return ProductsOut(products=[ProductOut.of(each) for each in shown], total=len(ids))
    page = state.shelf.index.products(offset=offset, limit=limit, category=category)
    return ProductsOut(
        products=[ProductOut.of(product) for product in page], total=state.shelf.index.count_products(category)
    )


def _by_words(state: RequestState, text: str, filters: Filters) -> list[str]:
    """The ids of the products that match the words; of the text itself first, if it is one."""
    by_id = [text] if state.shelf.index.product(text) else []
    matches = state.shelf.index.search_words(text, limit=_MOST_BY_WORDS, filters=filters)
    return by_id + [each.product_id for each in matches if each.product_id != text]


@router.get("/facets", response_model=FacetsOut)
def facets(state: State, wanted: Annotated[FilterFields, Query()]) -> FacetsOut:
    """What there is to choose from under some filters: categories, prices, stock, attributes, with counts."""
    return FacetsOut.of(state.shelf.index.facets(wanted.filters))


@router.post("/products/{product_id:path}/match", response_model=MatchOut)
async def match(
    state: State, product_id: str, form: Annotated[PhotoFields, Form(media_type="multipart/form-data")]
) -> MatchOut:
    """Which part of a photo makes it look like a product. The photo is not kept."""
    return await state.work.do(lambda: _match(state, product_id, form.photo.file.read(), form.part))


def _match(state: RequestState, product_id: str, data: bytes, box: Box | None) -> MatchOut:
    recommender = state.shelf.recommender
    picture = decode(data, state.limits, needed_px=recommender.needed_px(box))
    similarity, map_GG = recommender.match(picture.image, product_id, box)
    return MatchOut(similarity=round(similarity, 4), map=np.round(map_GG, 3).tolist())


# Declared before the product itself: an id may hold slashes, and the longer paths must win.
@router.get(
    "/products/{product_id:path}/image",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {}, "image/webp": {}}},
        304: {"description": "It is the one that the ETag sent with the request names"},
    },
)
def product_image(
    state: State,
    product_id: str,
    photo: Annotated[str, Query(pattern="^[0-9a-f]{0,64}$", description="the beginning of one photo's hash")] = "",
    size: Annotated[Literal["160", "320"], Query(description="pixels of the longer side, at most")] = "320",
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A product's picture. The address with a photo's hash always shows the same, so it may be cached for good."""
    photos = state.shelf.index.product_photos(product_id)
    chosen = next((each for each in photos if each.photo_sha256.startswith(photo)), None)
    thumbnail = state.shelf.thumbnails.get((chosen or photos[0]).photo_id) if photos else None
    if thumbnail is None:
        raise _not_found(product_id)
    media_type, content = thumbnail[0], fitted(thumbnail[1], int(size))
    caching = _FOR_GOOD if photo and chosen else "public, max-age=300"
    headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"', "Cache-Control": caching}
    if if_none_match == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


@router.get("/products/{product_id:path}/bought-together", response_model=BoughtTogetherOut)
def bought_together(
    state: State,
    product_id: str,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    in_stock: Annotated[bool | None, Query()] = None,
) -> BoughtTogetherOut:
    """What customers bought with a product. Empty where nothing is known; what is out of stock comes last."""
    _find(state, product_id)
    known = state.shelf.orders.latest()
    if known is None:
        return BoughtTogetherOut(product_id=product_id, num_orders=0, bought_together=[])
    found = known.companions(product_id, state.shelf.index.product, limit=limit, in_stock=in_stock)
    return BoughtTogetherOut(
        product_id=product_id,
        num_orders=known.num_orders(product_id),
        bought_together=[CompanionOut.of(each) for each in found],
    )


@router.get("/products/{product_id:path}", response_model=ProductOut)
def product(state: State, product_id: str) -> ProductOut:
    """One product."""
    photos = state.shelf.index.product_photos(product_id)
    return ProductOut.of(_find(state, product_id), photos[0].photo_sha256 if photos else "")


def _refuse_parts(product_id: str) -> None:
    """What lies below a product is no product: an id that looks so could be put and never be found again."""
    method = {"image": "GET", "bought-together": "GET", "match": "POST"}.get(product_id.rpartition("/")[2])
    if method and "/" in product_id:
        raise HTTPException(405, headers={"Allow": method})


_NoPart = Depends(_refuse_parts)


@router.put("/products/{product_id:path}", response_model=ProductOut, dependencies=[_NoPart, AdminOnly])
async def put_product(state: State, product_id: str, body: ProductIn) -> ProductOut:
    """Add a product, or change one. It can be found by photo as soon as this answers."""
    await state.work.do(lambda: _put(state, body.product(product_id), body.image_base64))
    return ProductOut.of(body.product(product_id))


def _put(state: RequestState, changed: Product, image_base64: str | None) -> None:
    state.check_writable()
    if image_base64 is not None:
        state.changes.put(state.shelf, changed, decoded_base64(image_base64))
        return
    if state.shelf.index.product(changed.id) is None:
        raise RequestError(f"There is no product {changed.id!r} yet, and a new one needs a photo: send image_base64.")
    state.changes.update(state.shelf, changed)


@router.delete("/products/{product_id:path}", status_code=204, dependencies=[_NoPart, AdminOnly])
def delete_product(state: State, product_id: str) -> Response:
    """Remove a product and its pictures."""
    state.check_writable()
    _find(state, product_id)
    state.changes.remove(state.shelf, product_id)
    return Response(status_code=204)


def _find(state: RequestState, product_id: str) -> Product:
    found = state.shelf.index.product(product_id)
    if found is None:
        raise _not_found(product_id)
    return found


def _not_found(product_id: str) -> ProductNotFoundError:
    return ProductNotFoundError(f"There is no product {product_id!r}. GET /api/v1/products lists those that are there.")
