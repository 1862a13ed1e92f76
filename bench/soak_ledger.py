"""What a soak remembers of a server's answers: what became of each, and what must be there since."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soak_server import Journal, Server

from snapshelf.client import Client
from snapshelf.errors import ApiError, ServerUnreachableError


@dataclass(frozen=True)
class Catalogue:
    """A table of products: title, category, and whether staff leave it alone, by id."""

    path: Path
    rows: dict[str, tuple[str, str, bool]]


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
