"""How far a long job has come, on standard error: a bar with rate and time left, nothing where nobody watches."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""Where people read what happens; standard output is for results."""


_UNFOLDED = 160
"""Characters of a line where nobody looks at it in a terminal."""


def print_table(table: Table) -> None:
    """A result, on standard output."""
    Console(highlight=False, width=None if sys.stdout.isatty() else _UNFOLDED).print(table)


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} {self.unit}/s" if speed else "", style="progress.data.speed")


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar that is shown, or would be if somebody watched."""

    _shown: Progress
    _task: TaskID

    def __call__(self, count: int) -> None:
        """So many more items are done."""
        self._shown.update(self._task, advance=count)

    def tell(self, description: str, total: int | None = None) -> None:
        """Say something else before the bar; expect another number of items, if one is given."""
        self._shown.update(self._task, description=description, total=total)


@contextlib.contextmanager
def progress(description: str, total: int | None, unit: str = "photos") -> Iterator[Bar]:
    """Show a bar while the block runs; call what it gives with the number of items done since the last call."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(unit),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        yield Bar(shown, shown.add_task(description, total=total))
