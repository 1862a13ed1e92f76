"""Every command of the documentation is one that there is, with options that there are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from snapshelf.cli import app
from snapshelf.config import load_config
from tests.website.documented import PAGES, ROOT, Command, blocks, spoken_of, typed

NUMBERS = {"N": "1"}
"""What stands for a number in the docs; everything else that stands for something is text to the program, too."""

OPTION = re.compile(r"--[a-z][a-z-]*")
ids = [str(page.relative_to(ROOT)) for page in PAGES]


def parse(words: list[str]) -> None:
    """Have the program read a command, and do nothing. It raises what it would say to a wrong one."""
    command, name = typer.main.get_command(app), "snapshelf"
    words = [NUMBERS.get(word, word) for word in words]
    while isinstance(command, TyperGroup):
        with command.make_context(name, words, resilient_parsing=True) as context:
            found, below, words = command.resolve_command(context, words)
        assert below is not None, f"no such command: {words[:1]}"
        command, name = below, str(found)
    command.make_context(name, words).close()


def options_of(words: list[str]) -> set[str] | None:
    """The options of the command that some words begin with; None where they begin with none."""
    command, options = typer.main.get_command(app), {"--version"}
    for word in words:
        if not isinstance(command, TyperGroup) or word not in command.commands:
            break
        command = command.commands[word]
        options = {name for each in command.params for name in [*each.opts, *each.secondary_opts]}
    return None if command is typer.main.get_command(app) else options


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_what_is_typed_can_be_typed(page: Path) -> None:
    for command in (each for block in typed(page) for each in block):
        words = command.program()
        if words[:1] == ["snapshelf"]:
            try:
                parse(words[1:])
            except Exception as error:
                pytest.fail(f"{command.where}: {command.text}: {error}")
        else:
            check_other(command, words)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_what_is_spoken_of_is_there(page: Path) -> None:
    """Within sentences commands are often cut short (`index --ray`), so names are looked for, not a whole command."""
    for command in spoken_of(page):
        try:
            words = command.program()
        except ValueError:  # code, such as `it's`
            continue
        if words[:1] == ["snapshelf"]:
            check_options(command, words[1:], whole=True)
        elif OPTION.search(command.text) and words and words[0] in NAMES:
            check_options(command, words, whole=False)
        else:
            check_other(command, words)


NAMES = set(getattr(typer.main.get_command(app), "commands", {}))


def check_options(command: Command, words: list[str], *, whole: bool) -> None:
    known = options_of(words)
    placeholder = not words or words[0].isupper() or words[0].startswith("-")
    assert known is not None, f"{command.where}: {command.text}: there is no such command"
    assert not whole or placeholder or words[0] in NAMES, f"{command.where}: {command.text}: there is no such command"
    unknown = set(OPTION.findall(" ".join(words))) - known - {"--help"}
    assert not unknown, f"{command.where}: {command.text}: no option {', '.join(sorted(unknown))}"


def check_other(command: Command, words: list[str]) -> None:
    """make, bench scripts and extras of `pip install`."""
    if words[:1] == ["make"]:
        targets = {word for word in words[1:] if "=" not in word}
        unknown = targets - set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
        assert not unknown, f"{command.where}: make {', '.join(unknown)}: there is no such target"
    elif words[:1] == ["python"] and words[1:] and words[1].startswith("bench/"):
        script = (ROOT / words[1]).read_text("utf-8")
        unknown = {option for option in OPTION.findall(" ".join(words[2:])) if f'"{option}"' not in script}
        assert not unknown, f"{command.where}: {words[1]} has no {', '.join(unknown)}"
    elif words[:2] == ["pip", "install"]:
        extras = {each for named in re.findall(r"snapshelf\[([^]]+)\]", command.text) for each in named.split(",")}
        there = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
        assert extras <= set(there), f"{command.where}: {command.text}: there is no such extra"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_what_is_shown_of_snapshelf_toml_can_be_read(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language == "toml":
            (tmp_path / "snapshelf.toml").write_text(block.code, "utf-8")
            load_config(tmp_path / "snapshelf.toml")


@pytest.mark.parametrize(
    "text",
    [
        "snapshelf trian",
        "snapshelf train --recipie quick",
        "snapshelf index feed.xml --workers none",
        "snapshelf export --to coreml",
        "snapshelf prepare",
    ],
)
def test_a_command_that_is_not_there_is_found(text: str) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|invalid|missing|not one of|should be"):
        parse(text.split()[1:])


@pytest.mark.parametrize(
    "text",
    [
        "snapshelf trian",
        "index --rays",
        "make tests",
        "python bench/bench_index.py STORE --rays",
        "pip install 'snapshelf[gpu]'",
    ],
)
def test_a_command_that_is_not_there_is_found_within_a_sentence(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.website.documented.ROOT", tmp_path)
    (tmp_path / "page.md").write_text(f"Run `{text}` first.", "utf-8")
    with pytest.raises(AssertionError, match=r"no such|no option|has no"):
        test_what_is_spoken_of_is_there(tmp_path / "page.md")
