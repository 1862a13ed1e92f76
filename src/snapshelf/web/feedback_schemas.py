"""What customers say of answers, as it goes over the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from snapshelf.types import Box
from snapshelf.web.schemas import ShortText


class FeedbackFields(BaseModel):
    """What a customer says of an answer, or of a product in it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    request_id: Annotated[str, Field(min_length=1, max_length=64)]
    helpful: bool | None = None
    correct_label: ShortText | None = None
    product_id: ShortText | None = None
    comment: Annotated[str, Field(min_length=1, max_length=2000)] | None = None


class FeedbackIn(FeedbackFields):
    """What a customer says of an answer, or of a product in it; at least one of the optional fields.

    `image_base64` is the photo, only where the customer agreed that the store keeps it, and `box` the part of it that
    is meant: x, y, w, h as fractions. The rest of the photo and its metadata are not kept.
    """

    image_base64: str | None = None
    box: Annotated[list[FiniteFloat], Field(min_length=4, max_length=4)] | None = None

    @property
    def says_something(self) -> bool:
        """Whether one of the optional fields is there."""
        said = (self.helpful, self.correct_label, self.product_id, self.comment)
        return any(each is not None for each in said)

    @property
    def part(self) -> Box | None:
        """The part of the photo that is meant, None for all of it."""
        return Box(*self.box) if self.box else None


class FeedbackReceiptOut(BaseModel):
    """The number of feedback that was kept, and what takes it back for ten minutes."""

    id: int
    undo_token: str
    photo_kept: bool
