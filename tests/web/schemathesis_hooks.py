"""Photos that are photos and products that there are; read by schemathesis (SCHEMATHESIS_HOOKS)."""

from __future__ import annotations

import base64
import re
from typing import Any

import schemathesis

from tests.tiny_store import COLOURS, photo_bytes

PHOTO = photo_bytes(COLOURS["red thing"], 5)


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Two of three files, told by the length of what was drawn, become a photo, and boxes lie inside it."""
    if isinstance(body, dict):
        if "photo" in body and len(str(body["photo"])) % 3:
            body["photo"] = PHOTO
        if isinstance(body.get("image_base64"), str) and len(body["image_base64"]) % 3:
            body["image_base64"] = base64.b64encode(PHOTO).decode("ascii")
        if re.fullmatch(r"[0-9.]+(,[0-9.]+){3}", str(body.get("box", ""))):
            body["box"] = "0.1,0.2,0.5,0.5"
    return body


@schemathesis.hook
def map_query(context: schemathesis.HookContext, query: Any) -> Any:
    """Some of the products that others should be like are there."""
    liked = query.get("like") if isinstance(query, dict) else None
    if isinstance(liked, list) and liked and all(isinstance(each, str) for each in liked) and len(liked[0]) % 3:
        query["like"] = ["p00", "p03"]
    return query
