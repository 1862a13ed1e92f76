"""What the soak asks of a server, and what it remembers of the answers."""

from __future__ import annotations

import io
import os
import random
import sqlite3
import struct
import threading
import time
import urllib.request
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from soak_server import Journal, Server

from snapshelf.adapters.sqlite_feedback import ReviewState
from snapshelf.client import Client
from snapshelf.errors import ApiError, ServerUnreachableError
from snapshelf.web.feedback_schemas import FeedbackIn
from snapshelf.web.schemas import ProductIn
from snapshelf.web.staff_schemas import ReviewIn

REFERENCES = 12


@dataclass(frozen=True)
class Catalogue:
    """A table of products: title, category, and whether staff leave it alone, by id."""

    path: Path
    rows: dict[str, tuple[str, str, bool]]


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


class Outcomes:
    """Counts of what became of requests; those that should not be are written down."""

    def __init__(self, journal: Journal) -> None:
        self.restarting = False
        self._journal = journal
        self._lock = threading.Lock()
        self._took: list[float] = []
        self._counts: Counter[str] = Counter()
        self._verdicts: Counter[str] = Counter()

    def ask(self, what: str, ask: Callable[[], Any], expected: str = "") -> Any:  # noqa: ANN401 (what is asked for)
        """Ask, and count it as good, as refused where the problem is the expected one, or as unexpected.

        Returns what was answered, None for any problem.
        """
        started = time.monotonic()
        answer, problem = None, ""
        try:
            answer = ask()
        except ApiError as error:
            problem, detail = error.type.rpartition(":")[2], str(error)
        except (ServerUnreachableError, OSError) as error:
            problem, detail = "no answer", str(error)
        with self._lock:
            if what == "search" and answer is not None:
                self._took.append(time.monotonic() - started)
                self._verdicts[answer.prediction.verdict] += 1
            if problem == "no answer" and self.restarting:
                self._counts["while restarted"] += 1
                return None
            is_right = problem == expected
            self._counts[
                "good" if is_right and not problem else f"refused: {problem}" if is_right else "unexpected"
            ] += 1
        if not is_right:
            self._journal.write(
                "unexpected", what=what, problem=problem or "none", expected=expected, detail=detail if problem else ""
            )
        return answer

    def taken(self) -> tuple[list[float], dict[str, int], dict[str, int]]:
        """What came since the last call: seconds of searches, outcomes, verdicts."""
        with self._lock:
            found = self._took, dict(self._counts), dict(self._verdicts)
            self._took, self._counts, self._verdicts = [], Counter(), Counter()
        return found


def done(do: Callable[[], None]) -> Callable[[], bool]:
    """Something that has no answer, with one."""

    def answer() -> bool:
        do()
        return True

    return answer


class Ledger:
    """What must be there: everything that a server acknowledged.

    A product that staff put or remove is so in every index that there is. An index that is built anew begins with the
    catalogue, and takes what is changed from then on.
    """

    def __init__(self, catalogue: Catalogue, server: Server) -> None:
        self.still = threading.RLock()
        """Held while staff change a product, and by who wants them not to."""
        self._catalogue = {product_id: title for product_id, (title, *_) in catalogue.rows.items()}
        self._server = server
        self._products = {index_id: dict(self._catalogue) for index_id in server.indexes()}
        self._feedback: dict[int, str] = {}
        self._gone: set[int] = set()

    def put(self, product_id: str, title: str) -> None:
        """It was acknowledged."""
        for of_index in self._products.values():
            of_index[product_id] = title

    def delete(self, product_id: str) -> None:
        """It was acknowledged."""
        for of_index in self._products.values():
            of_index.pop(product_id, None)

    def begin_anew(self) -> None:
        """An index of the catalogue is begun."""
        self._products["next"] = dict(self._catalogue)

    def begun_anew(self) -> None:
        """It answers."""
        with self.still:
            self._products[self._server.index_served()] = self._products.pop("next")
            self._products = {index_id: self._products[index_id] for index_id in self._server.indexes()}

    def everywhere(self) -> set[str]:
        """Ids of products that every index has, whichever answers."""
        return set.intersection(*map(set, list(self._products.values())))

    def feedback(self, number: int, state: str) -> None:
        """It was acknowledged that it is kept, or reviewed."""
        self._feedback[number] = state

    def undone(self, number: int) -> None:
        """It was acknowledged that it was taken back."""
        self._feedback.pop(number, None)
        self._gone.add(number)

    def feedback_ids(self) -> set[int]:
        """What must be there."""
        return set(self._feedback)

    def compare(self, client: Client) -> list[str]:
        """What is not as it was acknowledged, in words."""
        there: dict[str, str] = {}
        while page := client.products(offset=len(there), limit=200).products:
            there |= {each.id: each.title for each in page}
        wanted = self._products[self._server.index_served()]
        wrong = [
            f"product {product_id}: {there.get(product_id)!r} instead of {wanted.get(product_id)!r}"
            for product_id in sorted(wanted.keys() | there.keys())
            if wanted.get(product_id) != there.get(product_id)
        ]
        states, gone = dict(self._feedback), set(self._gone)
        kept = feedback_states(self._server.store / "feedback.sqlite")
        wrong += [
            f"feedback {number}: {kept.get(number)}" for number, state in states.items() if kept.get(number) != state
        ]
        return wrong + [f"feedback {number} is there again" for number in gone & kept.keys()]


def feedback_states(path: Path) -> dict[int, str]:
    """What is on the disk."""
    with closing(sqlite3.connect(path)) as file:
        return dict(file.execute("SELECT id, state FROM feedback").fetchall())


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


class Staff:
    """What the store's staff do."""

    def __init__(
        self, client: Client, pictures: Pictures, ledger: Ledger, outcomes: Outcomes, share: Callable[[], float]
    ) -> None:
        self._client, self._pictures, self._ledger, self._outcomes = client, pictures, ledger, outcomes
        self._share = share
        """Of the time that is over."""
        self._numbers = iter(range(1_000_000))

    def something(self, draw: random.Random) -> None:
        """One thing, by chance: more products are put until the middle, more are removed after it."""
        grows = self._share() < 0.5
        kinds = [self._add, self._remove, self._change, self._review, self._look]
        draw.choices(kinds, weights=[40 if grows else 15, 15 if grows else 40, 10, 20, 15])[0](draw)

    def _add(self, draw: random.Random) -> None:
        category, photo = self._pictures.of_category(draw)
        product_id, title = f"s{next(self._numbers):06}", f"{category.title()} of staff {draw.randrange(1000)}"
        product = ProductIn(title=title, category=category, price=20.0, currency="EUR", in_stock=True)
        with self._ledger.still:
            if self._outcomes.ask("put", lambda: self._client.put_product(product_id, product, photo=photo)):
                self._ledger.put(product_id, title)
                self._outcomes.ask("put is found", lambda: self._client.product(product_id))

    def _remove(self, draw: random.Random) -> None:
        with self._ledger.still:
            if (product_id := self._one_of_staff(draw)) is None:
                return
            if self._outcomes.ask("delete", done(lambda: self._client.delete_product(product_id))):
                self._ledger.delete(product_id)
                gone = "product-not-found"
                self._outcomes.ask("deleted is gone", lambda: self._client.product(product_id), expected=gone)

    def _change(self, draw: random.Random) -> None:
        """What is said of a product, not its photo."""
        with self._ledger.still:
            if (product_id := self._one_of_staff(draw)) is None:
                return
            before = self._outcomes.ask("product", lambda: self._client.product(product_id))
            if before is None:
                return
            title = f"{before.category.title()} of staff, changed {draw.randrange(1000)}"
            product = ProductIn(title=title, category=before.category, price=10.0, currency="EUR")
            if self._outcomes.ask("change", lambda: self._client.put_product(product_id, product)):
                self._ledger.put(product_id, title)

    def _one_of_staff(self, draw: random.Random) -> str | None:
        """Mostly what staff put, some of the catalogue's that may go."""
        there = self._ledger.everywhere()
        own = sorted(each for each in there if each.startswith("s"))
        theirs = [each for each in sorted(there) if each.startswith("c") and int(each[1:]) % 5 == 0]
        chosen = theirs if draw.random() < 0.2 else own
        return draw.choice(chosen) if chosen else None

    def _review(self, draw: random.Random) -> None:
        with self._ledger.still:
            waiting = self._outcomes.ask("review list", lambda: self._client.feedback(state="waiting", limit=20))
            known = self._ledger.feedback_ids()
            mine = [each for each in waiting.feedback if each.id in known] if waiting else []
            if not mine:
                return
            states: tuple[ReviewState, ...] = ("accepted", "rejected")
            chosen, state = draw.choice(mine), draw.choice(states)
            if self._outcomes.ask("review", lambda: self._client.review_feedback(chosen.id, ReviewIn(state=state))):
                self._ledger.feedback(chosen.id, state)

    def _look(self, draw: random.Random) -> None:
        looks: list[Callable[[], Any]] = [self._client.models, self._client.health, self._client.feedback]
        self._outcomes.ask("staff looks", draw.choice(looks))
