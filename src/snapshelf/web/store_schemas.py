"""What the page is told of a store before the first photo, as OpenAPI shows it to app developers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from snapshelf.web.schemas import CategoryOut


class SampleOut(BaseModel):
    """A photo that a customer may try."""

    label: str
    url: str


class DeviceFileOut(BaseModel):
    """A file that a device fetches once; its address is good for ever."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    url: str
    integrity: str
    """As browsers check it: `sha256-`, base64."""
    num_bytes: int
    num_bytes_sent: int
    """Compressed, as it is sent."""


class OnDeviceOut(BaseModel):
    """What a device needs to recognise photos by itself."""

    model_id: str
    files: list[DeviceFileOut]


class StoreOut(BaseModel):
    """What the page needs to know before the first photo."""

    name: str
    accent: str
    max_upload_bytes: int
    samples: list[SampleOut]
    categories: list[CategoryOut]
    has_prices: bool
    has_stock: bool
    has_orders: bool
    feedback_days: int
    """So long feedback is kept, and a photo that a customer agrees to leave with it."""
    on_device: OnDeviceOut | None
    """Null where the store offers no model to devices."""
