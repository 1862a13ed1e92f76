"""The page of every command, made of the Typer application, so that it says what `--help` says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from snapshelf.cli import app

_HEAD = """\
# Commands

Made from the program itself: this is what `snapshelf COMMAND --help` says. Results go to standard output; progress, and
what is said to people, to standard error. Exit code 0: done; 2: bad input or usage; 1: anything else.
[Settings](api.md#settings) come from the environment, and what a store is from its `snapshelf.toml`."""
_KINDS = {Path: "PATH", str: "TEXT", int: "NUMBER", float: "NUMBER"}


def commands_page() -> str:
    """The page in Markdown: one section a command, in the order of `--help`."""
    return "\n\n".join([_HEAD, *(_section(name, command) for name, command in commands())]) + "\n"


def commands() -> Iterator[tuple[str, TyperCommand]]:
    """Each command by its name, such as `models use`."""
    yield from _below("", typer.main.get_command(app))


def _below(name: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for part, each in command.commands.items():
            yield from _below(f"{name} {part}".strip(), each)
    elif isinstance(command, TyperCommand):
        yield name, command


def _section(name: str, command: TyperCommand) -> str:
    arguments = [each for each in command.params if isinstance(each, TyperArgument)]
    options = [each for each in command.params if isinstance(each, TyperOption)]
    usage = " ".join(["snapshelf", name, *(_in_usage(each) for each in arguments), "[OPTIONS]"])
    rows = [f"| `{_metavar(each)}` | {_cell(each.help)} | |" for each in arguments]
    rows += [f"| {_typed(each)} | {_cell(each.help)} | {_default(each)} |" for each in options]
    table = "\n".join(["| | | default |", "|---|---|---|", *rows])
    return "\n\n".join([f"## {name}", command.help or "", f"```text\n{usage}\n```", table])


def _in_usage(argument: TyperArgument) -> str:
    return _metavar(argument) if argument.required else f"[{_metavar(argument)}]"


def _metavar(argument: TyperArgument) -> str:
    return argument.metavar or (argument.name or "").upper()


def _typed(option: TyperOption) -> str:
    """An option as one types it: `--port NUMBER`; `--in-stock`, `--no-in-stock`; `--to`: `onnx`, `litert`."""
    if option.is_flag:
        return ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    kind: Any = option.type_descriptor.annotation
    if get_origin(kind) is Literal:
        return f"`{option.opts[0]}`: " + ", ".join(f"`{value}`" for value in get_args(kind))
    return f"`{option.opts[0]} {option.metavar or _KINDS.get(kind, 'VALUE')}`"


def _default(option: TyperOption) -> str:
    if option.required:
        return "must be given"
    if isinstance(option.show_default, str):
        return option.show_default
    nothing = option.is_flag or option.default in (None, "")
    return "" if nothing else f"`{option.default}`"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")
