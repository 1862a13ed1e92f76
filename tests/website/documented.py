"""What the documentation tells people to type: found in README.md, SECURITY.md and docs/."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        page: the file it stands in, from the root.
        line: where it begins there; the first is 1.
    """

    page: str
    line: int
    language: str
    code: str


@dataclass(frozen=True)
class Command:
    """A whole command, which may go over several lines. `where` is what a failure names."""

    where: str
    text: str

    def words(self) -> list[str]:
        """As a shell splits it, without comments."""
        return shlex.split(self.text, comments=True)

    def program(self) -> list[str]:
        """The words without settings of the environment before them, and without what their output goes to."""
        words = list(itertools.takewhile(lambda word: word not in ("|", "||", ">"), self.words()))
        return list(itertools.dropwhile(_is_setting, words))

    def settings(self) -> dict[str, str]:
        """The settings of the environment that stand before the program."""
        words = itertools.takewhile(_is_setting, self.words())
        return dict(word.split("=", 1) for word in words)


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text("utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 2
        code = re.sub(rf"^{found['indent']}", "", found["code"], flags=re.MULTILINE)
        yield Block(str(page.relative_to(ROOT)), line, found["language"], code)


def typed(page: Path) -> Iterator[list[Command]]:
    """The commands of each shell block of a page."""
    for block in blocks(page):
        if block.language in ("sh", "bash"):
            yield list(_commands(block))


def spoken_of(page: Path) -> Iterator[Command]:
    """The code within sentences and tables, where some of it is commands."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    for found in _SPAN.finditer(text):
        yield Command(str(page.relative_to(ROOT)), " ".join(found[1].split()))


def _commands(block: Block) -> Iterator[Command]:
    begun, line = "", block.line
    for number, each in enumerate(block.code.splitlines(), block.line):
        line = line if begun else number
        begun += each
        if _is_open(begun):
            begun = begun.removesuffix("\\") + ("" if begun.endswith("\\") else "\n")
            continue
        for part in begun.split(" && "):
            if shlex.split(part, comments=True):
                yield Command(f"{block.page}:{line}", part.strip())
        begun = ""
    assert not begun, f"{block.page}:{block.line}: a quotation mark or a line is never closed"


def _is_setting(word: str) -> bool:
    return re.match(r"[A-Z_]+=", word) is not None


def _is_open(text: str) -> bool:
    if text.endswith("\\"):
        return True
    try:
        shlex.split(text, comments=True)
    except ValueError:  # a quotation mark is open
        return True
    return False
