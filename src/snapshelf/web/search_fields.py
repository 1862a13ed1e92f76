"""What a search may ask for, as fields of a form and as parameters of an address."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, UploadFile
from pydantic import BaseModel, Field

from snapshelf.errors import RequestError
from snapshelf.recommend.options import (
    DEFAULT_TOP_K,
    MAX_TEXT_CHARACTERS,
    MAX_TOP_K,
    SearchOptions,
    parse_attributes,
)
from snapshelf.types import Box, Filters

Offset = Annotated[int, Query(ge=0, le=1_000_000_000)]
"""How many to pass over. Beyond some size it is no number of SQLite's or of Qdrant's any more."""

NameAndValue = Annotated[str, Field(json_schema_extra={"pattern": r"^\s*[^:\s][^:]*:[^\n]*\S"})]
"""Checked by `parse_attributes`, whose words say what to do."""


class FilterFields(BaseModel):
    """What products must satisfy."""

    category: str | None = None
    price_min: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    price_max: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    in_stock: bool | None = None
    attribute: list[NameAndValue] = Field(
        default_factory=list, description="name:value; several of one name are alternatives, of several names all hold"
    )

    @property
    def filters(self) -> Filters:
        """The same for the index.

        Raises:
            RequestError: an attribute is no `name:value`.
        """
        return Filters(
            category=self.category or None,
            price_min=self.price_min,
            price_max=self.price_max,
            in_stock=self.in_stock,
            attributes=parse_attributes(self.attribute),
        )


class SearchFields(FilterFields):
    """What products are wanted, and how many."""

    top_k: int = Field(default=DEFAULT_TOP_K, ge=1, le=MAX_TOP_K)
    diversity: float = Field(default=0.0, ge=0, le=1, description="0: the nearest only; 1: as varied as can be")
    text: str = Field(default="", max_length=MAX_TEXT_CHARACTERS, description="words that the products should have")
    like: list[str] = Field(default_factory=list, description="ids of products that the others should be like")
    unlike: list[str] = Field(default_factory=list, description="ids of products that they should not be like")

    @property
    def options(self) -> SearchOptions:
        """The same for the recommender."""
        return SearchOptions(
            top_k=self.top_k,
            filters=self.filters,
            diversity=self.diversity,
            text=self.text,
            liked=tuple(self.like),
            disliked=tuple(self.unlike),
        )


class SimilarFields(SearchFields):
    """What products are wanted where there is no photo."""

    like: list[str] = Field(min_length=1, description="ids of products that the others should be like")


class PhotoFields(BaseModel):
    """A photo, or a part of one."""

    photo: UploadFile = Field(description="JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC")
    box: str | None = Field(
        default=None,
        description="x,y,w,h as fractions of the upright photo: search for this part",
        json_schema_extra={"pattern": r"^[0-9.]+,[0-9.]+,[0-9.]+,[0-9.]+$", "examples": ["0.1,0.2,0.5,0.5"]},
    )

    @property
    def part(self) -> Box | None:
        """The part of the photo that is meant, None for all of it."""
        return parse_box(self.box) if self.box else None


class PhotoSearchFields(PhotoFields, SearchFields):
    """A photo, and what is wanted beside what it shows."""


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
