"""What requests and answers look like, as the API's description shows them. A test holds each against its schema."""

from __future__ import annotations

from typing import Any

_PRODUCT = {
    "id": "s1",
    "title": "Runner",
    "category": "sneaker",
    "price": 59.0,
    "currency": "EUR",
    "in_stock": True,
    "url": "https://shop.example/s1",
    "image_url": "/api/v1/products/s1/image",
    "attributes": {"brand": "Acme"},
}
_RECOMMENDATION = {
    "product": _PRODUCT,
    "similarity": 0.91,
    "reason": "same category, very similar look, also red",
    "reasons": [
        {"kind": "same-category", "values": []},
        {"kind": "very-similar-look", "values": []},
        {"kind": "colours", "values": ["red"]},
    ],
}
_REQUEST_ID = "5f0c2d6e8b1a4f3f9c7e2a1b0d9e8f70"
_TAKES_BACK = "kT2mZ6cW0nqv8bYxH3sLrA"
_FEEDBACK = {
    "id": 17,
    "created_at": "2026-05-04T10:12:00+00:00",
    "request_id": _REQUEST_ID,
    "helpful": False,
    "correct_label": "sandal",
    "product_id": None,
    "comment": None,
    "model_id": "compact-quick-1a2b3c4d",
    "predicted_label": "sneaker",
    "state": "waiting",
    "label": None,
    "reviewed_at": None,
    "has_photo": True,
}
_MODEL = {
    "id": "compact-quick-1a2b3c4d",
    "created_at": "2026-05-04T09:00:00+00:00",
    "backbone": "compact",
    "recipe": "quick",
    "dataset_id": "fashion-mnist-9a8b7c6d",
    "num_classes": 10,
    "num_photos": 54000,
    "accuracy": 0.931,
    "macro_f1": 0.93,
    "ece": 0.008,
    "has_index": True,
    "state": "serving",
    "shadow": None,
}
_CATEGORIES = [{"name": "boot", "num_products": 7}, {"name": "sneaker", "num_products": 12}]

PROBLEMS: dict[str, tuple[int, str]] = {
    "bad-request": (400, "There was an error parsing the body"),
    "unauthorized": (401, "The admin key is missing or wrong. Send it as: Authorization: Bearer <key>."),
    "forbidden": (403, "Changing the store is off: the server was started without SNAPSHELF_ADMIN_KEY."),
    "not-found": (404, "Nothing is at /api/v2. The API's documentation is at /docs."),
    "product-not-found": (404, "There is no product 's9'. GET /api/v1/products lists those that are there."),
    "method-not-allowed": (405, "POST is not possible here; GET is. The API's documentation is at /docs."),
    "conflict": (409, "The model compact-quick-1a2b3c4d has no index, so it would have no products to recommend."),
    "request-timeout": (408, "The request came too slowly. Send it again over a better connection."),
    "photo-too-many-bytes": (
        413,
        "The file has 31,000,000 bytes; at most 20,000,000 are accepted. Send a smaller photo.",
    ),
    "photo-too-many-pixels": (
        413,
        "The picture has 12000 × 9000 pixels (108.0 million); at most 50 million are accepted. Send a smaller photo.",
    ),
    "not-a-photo": (
        415,
        "Not a picture: the content is none of JPEG, PNG, WEBP, GIF, BMP, TIFF, AVIF. Save the photo as JPEG or PNG.",
    ),
    "heic-not-read": (415, "HEIC is not read here. Save the photo as JPEG and try again."),
    "photo-broken": (422, "The picture is broken or cut off (image file is truncated). Send the whole file."),
    "bad-request-field": (422, "The field 'photo' is missing. Send it as the API's documentation at /docs says."),
    "bad-input": (422, "id begins or ends with a space; expected none."),
    "too-many-requests": (429, "More than 60 requests in a minute. Try again in 12 s."),
    "internal": (500, "The server failed on this request. The reason stands in its log."),
    "store": (500, "The store could not answer. The reason stands in the server's log."),
    "store-read-only": (
        503,
        "The store may only be read from here: send feedback and changes to a server that may write it.",
    ),
    "service-unavailable": (503, "The server is busy. Try again in 1 s."),
}
"""Every kind of problem: its status and an example of its `detail`."""

QUERIES: dict[str, Any] = {
    "product_id": "s1",
    "number": 1,
    "state": "waiting",
    "undo-token": _TAKES_BACK,
    "category": "sneaker",
    "price_min": 20,
    "price_max": 100,
    "in_stock": True,
    "attribute": ["brand:Acme"],
    "top_k": 3,
    "diversity": 0.3,
    "text": "leather",
    "like": ["s1"],
    "unlike": ["s7"],
    "offset": 0,
    "photo": "9f86d081884c7d65",
    "size": "160",
    "limit": 20,
}
"""By the name of the parameter."""

REQUESTS: dict[str, Any] = {
    "POST /api/v1/feedback": {"request_id": _REQUEST_ID, "helpful": False, "correct_label": "sandal"},
    "PUT /api/v1/admin/feedback/{number}/review": {"state": "accepted", "label": "sandal"},
    "PUT /api/v1/admin/models/current": {"id": "compact-quick-1a2b3c4d"},
    "PUT /api/v1/products/{product_id}": {
        "title": "Runner",
        "category": "sneaker",
        "price": 59,
        "currency": "EUR",
        "in_stock": True,
        "url": "https://shop.example/s1",
        "attributes": {"brand": "Acme"},
    },
}

ANSWERS: dict[str, Any] = {
    "POST /api/v1/recommendations": {
        "request_id": _REQUEST_ID,
        "model_id": "compact-quick-1a2b3c4d",
        "prediction": {
            "label": "sneaker",
            "probability": 0.93,
            "verdict": "confident",
            "top": [{"label": "sneaker", "probability": 0.93}, {"label": "boot", "probability": 0.05}],
        },
        "recommendations": [_RECOMMENDATION],
        "timing_ms": {"decode": 0.4, "encode": 1.1, "search": 1.9, "total": 3.6},
    },
    "GET /api/v1/recommendations": {
        "model_id": "compact-quick-1a2b3c4d",
        "recommendations": [_RECOMMENDATION],
        "timing_ms": {"total": 2.1},
    },
    "POST /api/v1/feedback": {"id": 17, "undo_token": _TAKES_BACK, "photo_kept": False},
    "GET /api/v1/categories": {"categories": _CATEGORIES},
    "GET /api/v1/products": {"products": [_PRODUCT], "total": 19},
    "GET /api/v1/facets": {
        "num_products": 12,
        "categories": {"boot": 7, "sneaker": 12},
        "num_in_stock": 12,
        "price_min": 19.0,
        "price_max": 89.0,
        "attributes": {"brand": {"Acme": 8, "Other": 4}},
    },
    "POST /api/v1/products/{product_id}/match": {
        "similarity": 0.91,
        "map": [[0.0, 0.1, 0.0], [0.2, 1.0, 0.3], [0.0, 0.1, 0.0]],
    },
    "GET /api/v1/products/{product_id}/bought-together": {
        "product_id": "s1",
        "num_orders": 80,
        "bought_together": [
            {
                "product": _PRODUCT | {"id": "l7", "title": "Laces", "image_url": "/api/v1/products/l7/image"},
                "support": 12,
                "confidence": 0.15,
                "lift": 3.2,
                "reason": "in 12 of 80 orders with this product",
            }
        ],
    },
    "GET /api/v1/products/{product_id}": _PRODUCT,
    "PUT /api/v1/products/{product_id}": _PRODUCT,
    "GET /api/v1/admin/feedback": {
        "feedback": [_FEEDBACK],
        "total": 1,
        "counts": {"waiting": 1, "accepted": 4, "rejected": 2},
    },
    "PUT /api/v1/admin/feedback/{number}/review": _FEEDBACK
    | {"state": "accepted", "label": "sandal", "reviewed_at": "2026-05-04T12:00:00+00:00"},
    "GET /api/v1/admin/models": {"models": [_MODEL]},
    "PUT /api/v1/admin/models/current": {"models": [_MODEL]},
    "GET /api/v1/admin/health": {
        "step_s": 10,
        "moments": [
            {
                "at": "2026-05-04T10:12:00+00:00",
                "requests": 212,
                "failures": 0,
                "refusals": {"not-a-photo": 1},
                "verdicts": {"confident": 31, "unknown": 2},
                "stages": {"encode": {"p50_ms": 6.1, "p95_ms": 9.4}},
                "in_flight": 1,
                "waiting": 0,
                "drift": {"brightness": 0.31, "class": 0.12, "embedding": 0.2},
            }
        ],
    },
    "GET /api/v1/store": {
        "name": "Shoes & more",
        "accent": "#0b6e4f",
        "max_upload_bytes": 20_000_000,
        "samples": [{"label": "sneaker", "url": "/api/v1/samples/0"}],
        "categories": _CATEGORIES,
        "has_prices": True,
        "has_stock": True,
        "has_orders": False,
        "feedback_days": 90,
        "on_device": None,
    },
    "GET /healthz": {"status": "ok"},
    "GET /readyz": {"status": "ready", "model_id": "compact-quick-1a2b3c4d", "index_id": "compact-quick-1a2b3c4d-5e6f"},
}
"""Of each operation that answers with JSON."""
