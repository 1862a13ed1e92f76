"""What customers ask of a server in a soak, and what of that is refused."""

from __future__ import annotations

import io
import os
import random
import struct
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from soak_ledger import Ledger, Outcomes, done
from soak_server import Server

from snapshelf.client import Client
from snapshelf.web.feedback_schemas import FeedbackIn

REFERENCES = 12


class Pictures:
    """Customers' photos, as files, of all sizes."""

    def __init__(self, paths: list[Path]) -> None:
        """The files of a folder of classes."""
        self._paths = paths
        chosen = paths[:: max(1, len(paths) // REFERENCES)][:REFERENCES]
        self._others = [path for path in paths if path not in chosen]
        self.references = [path.read_bytes() for path in chosen]
        """Photos of all classes that are asked about again and again: the same model gives the same answer."""
        self._large = [_jpeg(Image.open(path).convert("RGB").resize((4000, 3000))) for path in paths[:3]]

    def any(self, draw: random.Random) -> bytes:
        """Mostly what the page sends, some tiny, some as cameras make them; nine of ten were never sent before."""
        chance = draw.random()
        if chance < 0.03:
            data = draw.choice(self._large)
        else:
            data = draw.choice(self._paths).read_bytes()
            if chance > 0.6:
                image = Image.open(io.BytesIO(data)).convert("RGB").resize((1280, 960))
                data = _jpeg(image) if chance < 0.9 else _saved(image.resize((640, 480)), draw.choice(["PNG", "WEBP"]))
        is_jpeg = data[:2] == b"\xff\xd8"
        return data + draw.randbytes(8) if is_jpeg and draw.random() < 0.9 else data

    def of_category(self, draw: random.Random) -> tuple[str, bytes]:
        """A photo and its class; none of the references, since what is sold is never called unknown."""
        path = draw.choice(self._others)
        return path.parent.name, path.read_bytes()


def _jpeg(image: Image.Image) -> bytes:
    return _saved(image, "JPEG")


def _saved(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


class Customers:
    """What customers do."""

    def __init__(self, client: Client, server: Server, pictures: Pictures, ledger: Ledger, outcomes: Outcomes) -> None:
        self._client, self._server, self._pictures = client, server, pictures
        self._ledger, self._outcomes = ledger, outcomes
        self._hostile = _hostile(pictures.references[0])

    def something(self, draw: random.Random) -> None:
        """One thing, by chance."""
        kinds = [self._search, self._browse, self._remark, self._refused]
        draw.choices(kinds, weights=[60, 20, 8, 12])[0](draw)

    def _search(self, draw: random.Random) -> Any:  # noqa: ANN401 (what is answered)
        photo, search = self._pictures.any(draw), self._wanted(draw)
        box = (0.1, 0.15, 0.7, 0.6) if draw.random() < 0.25 else None
        return self._outcomes.ask("search", lambda: self._client.recommend(photo, box=box, **search))

    def _wanted(self, draw: random.Random) -> dict[str, Any]:
        one_of: list[dict[str, Any]] = [
            {}, {}, {}, {"top_k": 48}, {"category": draw.choice(["dress", "shoes", "hat"])}, {"in_stock": True},
            {"price_min": 20.0, "price_max": 90.0}, {"text": draw.choice(["dress", "Shoes 4", "nothing has this"])},
            {"attribute": ["brand:Acme", "brand:Third"]}, {"diversity": 0.7},
        ]  # fmt: skip
        return draw.choice(one_of)

    def _browse(self, draw: random.Random) -> None:
        chosen = draw.choice(sorted(self._ledger.everywhere()))
        kept = f"c{draw.randrange(1, 4) + 5 * draw.randrange(200):04}"
        one_of: list[Callable[[], Any]] = [
            lambda: self._client.similar([kept], **self._wanted(draw)),
            lambda: self._client.facets(in_stock=True),
            lambda: self._client.products(offset=draw.randrange(500), limit=24),
            lambda: self._client.products(text=chosen),
            lambda: self._client.product(kept),
            lambda: self._client.product_image(kept),
            self._client.store,
            lambda: self._page("/"),
            lambda: self._page("/static/js/main.js"),
            lambda: self._page("/admin"),
        ]
        self._outcomes.ask("browse", draw.choice(one_of))

    def _page(self, path: str) -> bool:
        with urllib.request.urlopen(self._server.address + path, timeout=30) as answer:
            return bool(answer.read())

    def _remark(self, draw: random.Random) -> None:
        answer = self._search(draw)
        if answer is None:
            return
        said = FeedbackIn(
            request_id=answer.request_id, helpful=draw.random() < 0.7, correct_label=draw.choice([None, "hat"]),
            comment=draw.choice([None, "so it is"]),
        )  # fmt: skip
        photo = self._pictures.any(draw) if draw.random() < 0.3 else None
        receipt = self._outcomes.ask("feedback", lambda: self._client.give_feedback(said, photo=photo))
        if receipt is None:
            return
        if draw.random() < 0.2:
            self._outcomes.ask("undo", done(lambda: self._client.undo_feedback(receipt)))
            self._ledger.undone(receipt.id)
        else:
            self._ledger.feedback(receipt.id, "waiting")

    def _refused(self, draw: random.Random) -> None:
        expected, photo = draw.choice(self._hostile)
        one_of: list[tuple[str, Callable[[], Any]]] = [(expected, lambda: self._client.recommend(photo))] * 6 + [
            ("bad-request-field", lambda: self._client.recommend(photo, top_k=0)),
            ("product-not-found", lambda: self._client.product("nobody put this")),
            ("unauthorized", self._with_wrong_key),
        ]
        problem, ask = draw.choice(one_of)
        self._outcomes.ask("refused", ask, expected=problem)

    def _with_wrong_key(self) -> object:
        with Client(self._server.address, admin_key="guessed") as client:
            return client.models()


def _hostile(photo: bytes) -> list[tuple[str, bytes]]:
    """Files that are refused, and the problem that says so. The one of 20 MB comes seldom."""
    return [
        ("not-a-photo", b"no picture at all" * 100),
        ("not-a-photo", os.urandom(50_000)),
        ("photo-broken", photo[: len(photo) // 2]),
        ("photo-broken", photo[: len(photo) // 5]),
        ("photo-too-many-pixels", _png_head(60_000, 60_000)),
        ("photo-too-many-pixels", _png_head(9_000, 9_000)),
        ("photo-too-many-bytes", photo + bytes(20_000_001)),
    ]


def _png_head(width: int, height: int) -> bytes:
    """A PNG that promises more than it has."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
