"""A client of a running server: the API's routes as methods, its answers as typed models, its problems as `ApiError`.

from snapshelf.client import Client

with Client("http://127.0.0.1:8000") as client:
    answer = client.recommend(Path("shoe.jpg").read_bytes(), top_k=3, in_stock=True)
    print(answer.prediction.label, [each.product.title for each in answer.recommendations])
"""

from __future__ import annotations

import base64
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar, Unpack
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError, ProtocolError

from snapshelf.adapters.sqlite_feedback import ReviewState
from snapshelf.errors import ApiError, ServerUnreachableError
from snapshelf.web.feedback_schemas import FeedbackIn, FeedbackReceiptOut
from snapshelf.web.schemas import (
    BoughtTogetherOut,
    CategoriesOut,
    FacetsOut,
    MatchOut,
    ProblemOut,
    ProductIn,
    ProductOut,
    ProductsOut,
    RecommendationsOut,
    SimilarOut,
)
from snapshelf.web.staff_schemas import ChoiceIn, FeedbackListOut, FeedbackOut, HealthOut, ModelsOut, ReviewIn
from snapshelf.web.store_schemas import StoreOut

Answer = TypeVar("Answer", bound=BaseModel)
Fields = list[tuple[str, str]]


class Wanted(TypedDict, total=False):
    """What products must satisfy; see docs/api.md."""

    category: str
    price_min: float
    price_max: float
    in_stock: bool
    attribute: list[str]


class Search(Wanted, total=False):
    """What products are wanted, and how many."""

    top_k: int
    diversity: float
    text: str
    unlike: list[str]


class Client:
    """Talks to one server. May be used from several threads.

    Every method raises `ApiError` where the server answers with a problem, and `ServerUnreachableError` where it does
    not answer in time, or something else answers at its address.
    """

    def __init__(self, address: str, *, admin_key: str | None = None, timeout_s: float = 30.0) -> None:
        self._address = address.rstrip("/")
        self._headers = {"Authorization": f"Bearer {admin_key}"} if admin_key else {}
        self._pool = PoolManager(timeout=Timeout(total=timeout_s), retries=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._pool.clear()

    def recommend(
        self, photo: bytes, *, box: tuple[float, float, float, float] | None = None, **search: Unpack[Search]
    ) -> RecommendationsOut:
        """Recognise a photo, or the part `box` (x, y, w, h, fractions) of it, and find products that look like it."""
        return self._send_photo("/recommendations", photo, box, _fields(search), RecommendationsOut)

    def similar(self, like: list[str], **search: Unpack[Search]) -> SimilarOut:
        """More like these products."""
        return self._get("/recommendations", _fields({"like": like, **search}), SimilarOut)

    def facets(self, **wanted: Unpack[Wanted]) -> FacetsOut:
        """What there is to choose from."""
        return self._get("/facets", _fields(wanted), FacetsOut)

    def match(self, product_id: str, photo: bytes, *, box: tuple[float, float, float, float] | None = None) -> MatchOut:
        """Which part of a photo makes it look like a product."""
        return self._send_photo(f"{_product(product_id)}/match", photo, box, [], MatchOut)

    def products(
        self, *, offset: int = 0, limit: int = 50, category: str | None = None, text: str | None = None
    ) -> ProductsOut:
        """A page of products, in the order of their ids; or of those that match some words best, the best first."""
        fields = _fields({"offset": offset, "limit": limit, "category": category, "text": text})
        return self._get("/products", fields, ProductsOut)

    def product(self, product_id: str) -> ProductOut:
        """One product."""
        return self._get(_product(product_id), [], ProductOut)

    def product_image(self, product_id: str) -> bytes:
        """A product's picture, JPEG or WebP."""
        return self._request("GET", f"{_product(product_id)}/image").data

    def bought_together(self, product_id: str, *, limit: int = 6, in_stock: bool | None = None) -> BoughtTogetherOut:
        """What customers bought with a product."""
        fields = _fields({"limit": limit, "in_stock": in_stock})
        return self._get(f"{_product(product_id)}/bought-together", fields, BoughtTogetherOut)

    def categories(self) -> CategoriesOut:
        """Every category and how many products it has."""
        return self._get("/categories", [], CategoriesOut)

    def store(self) -> StoreOut:
        """The store's name, colour, limits and sample photos."""
        return self._get("/store", [], StoreOut)

    def give_feedback(self, feedback: FeedbackIn, *, photo: bytes | None = None) -> FeedbackReceiptOut:
        """Say whether an answer was right. A photo is sent only where the customer agreed that the store keeps it."""
        body = feedback.model_dump(exclude_none=True) | _image(photo)
        return _parsed(self._request("POST", "/feedback", json=body), FeedbackReceiptOut)

    def undo_feedback(self, receipt: FeedbackReceiptOut) -> None:
        """Take feedback back, within ten minutes."""
        self._request("DELETE", f"/feedback/{receipt.id}", headers={"Undo-Token": receipt.undo_token})

    def put_product(self, product_id: str, product: ProductIn, *, photo: bytes | None = None) -> ProductOut:
        """Add a product, or change one (admin key). A new one needs a photo."""
        body = product.model_dump(exclude_none=True) | _image(photo)
        return _parsed(self._request("PUT", _product(product_id), json=body), ProductOut)

    def delete_product(self, product_id: str) -> None:
        """Remove a product (admin key)."""
        self._request("DELETE", _product(product_id))

    def feedback(self, *, state: ReviewState | None = None, offset: int = 0, limit: int = 50) -> FeedbackListOut:
        """What customers said, newest first (admin key)."""
        fields = _fields({"state": state, "offset": offset, "limit": limit})
        return self._get("/admin/feedback", fields, FeedbackListOut)

    def feedback_photo(self, number: int) -> bytes:
        """The photo that a customer left with feedback, JPEG (admin key)."""
        return self._request("GET", f"/admin/feedback/{number}/photo").data

    def review_feedback(self, number: int, review: ReviewIn) -> FeedbackOut:
        """Accept feedback, correct what it says, reject it, or let it wait again (admin key)."""
        body = review.model_dump(exclude_none=True)
        return _parsed(self._request("PUT", f"/admin/feedback/{number}/review", json=body), FeedbackOut)

    def models(self) -> ModelsOut:
        """The store's models with their scores, the newest first (admin key)."""
        return self._get("/admin/models", [], ModelsOut)

    def use_model(self, model_id: str) -> ModelsOut:
        """Use another model, with the index that it made (admin key). It answers within seconds."""
        body = ChoiceIn(id=model_id).model_dump()
        return _parsed(self._request("PUT", "/admin/models/current", json=body), ModelsOut)

    def health(self) -> HealthOut:
        """The last hour of the server (admin key)."""
        return self._get("/admin/health", [], HealthOut)

    def _get(self, path: str, fields: Fields, kind: type[Answer]) -> Answer:
        return _parsed(self._request("GET", path, fields=fields), kind)

    def _send_photo(
        self, path: str, photo: bytes, box: tuple[float, ...] | None, fields: Fields, kind: type[Answer]
    ) -> Answer:
        parts: list[tuple[str, Any]] = [("photo", ("photo", photo, "application/octet-stream")), *fields]
        if box is not None:
            parts.append(("box", ",".join(map(str, box))))
        return _parsed(self._request("POST", path, fields=parts), kind)

    def _request(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        **content: Any,  # noqa: ANN401 (urllib3's own)
    ) -> BaseHTTPResponse:
        url = f"{self._address}/api/v1{path}"
        content |= {"headers": self._headers | (headers or {}), "redirect": False}
        try:
            try:
                response = self._pool.request(method, url, **content)
            except ProtocolError:
                # A kept connection may be closed by the server just when it is used again (RFC 9112, 9.3.1).
                if not _may_be_asked_again(method, path):
                    raise
                response = self._pool.request(method, url, **content)
        except HTTPError as error:
            raise ServerUnreachableError(f"{self._address} does not answer ({error}). Is the server running?") from None
        if response.status >= 300:
            raise _problem(response)
        return response


def _may_be_asked_again(method: str, path: str) -> bool:
    """Whether asking twice does what asking once does."""
    return method in ("GET", "PUT") or path.endswith(("/recommendations", "/match"))


def _fields(values: Any) -> Fields:  # noqa: ANN401 (any mapping of fields)
    """Fields as they are sent: none for None, one for each of a list, true and false in words."""
    found: Fields = []
    for name, value in values.items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                found.append((name, str(each).lower() if isinstance(each, bool) else str(each)))
    return found


def _image(photo: bytes | None) -> dict[str, str]:
    return {} if photo is None else {"image_base64": base64.b64encode(photo).decode("ascii")}


def _product(product_id: str) -> str:
    return f"/products/{quote(product_id, safe='')}"


def _parsed(response: BaseHTTPResponse, kind: type[Answer]) -> Answer:
    try:
        return kind.model_validate_json(response.data)
    except ValidationError as error:
        raise ServerUnreachableError(
            f"What answers at {response.url} is no snapshelf server of this version: {error.errors()[0]['msg']}."
        ) from None


def _problem(response: BaseHTTPResponse) -> ApiError:
    wait = response.headers.get("Retry-After", "")
    retry_after_s = int(wait) if wait.isdecimal() else None
    try:
        said = ProblemOut.model_validate_json(response.data)
    except ValidationError:  # a proxy's own page, for instance
        detail = f"Status {response.status}, and no problem document with it."
        return ApiError(response.status, "about:blank", response.reason or "", detail, retry_after_s)
    return ApiError(said.status, said.type, said.title, said.detail, retry_after_s)
