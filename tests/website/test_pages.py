"""Pages, their places in the navigation, links from the front door, pictures."""

from __future__ import annotations

import re
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.website.documented import PAGES, ROOT, blocks
from website.build import DOCS, FROM_ROOT, configuration
from website.commands import commands, commands_page
from website.routes import openapi_document, routes_page

LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]+)")
MADE = {"commands.md", "routes.md", *FROM_ROOT.values()}
PICTURES = sorted(path for path in (DOCS / "images").iterdir() if path.suffix != ".svg")
DRAWINGS = sorted((DOCS / "images").glob("*.svg"))


def pages_of(nav: object) -> Iterator[str]:
    """The pages of a navigation, or of a part of it."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for below in nav.values():
            yield from pages_of(below)
    elif isinstance(nav, list):
        for below in nav:
            yield from pages_of(below)


def test_every_page_is_in_the_navigation_once() -> None:
    named = Counter(pages_of(tomllib.loads(configuration())["project"]["nav"]))
    there = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")} | MADE
    assert there - set(named) == set(), "name these pages in the nav of website/zensical.toml"
    assert set(named) - there == set(), "these stand in the nav of website/zensical.toml, and are not there"
    assert [page for page, times in named.items() if times > 1] == []


def test_every_decision_is_in_the_list_of_decisions() -> None:
    listed = (DOCS / "decisions" / "README.md").read_text("utf-8")
    for path in DOCS.glob("decisions/0*.md"):
        assert f"({path.name})" in listed, path.name


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_are_there(page: Path) -> None:
    """Zensical looks at links between pages and their anchors; this looks at pictures, and at what is no page of it."""
    for target in LINK.findall(page.read_text("utf-8")):
        if target not in ("commands.md", "routes.md", "openapi.json"):
            assert (page.parent / target).is_file(), f"{page.relative_to(ROOT)}: {target}"


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_pictures_are_small_and_shown(path: Path) -> None:
    assert path.stat().st_size < 200_000
    assert any(f"/{path.name})" in page.read_text("utf-8") for page in PAGES), f"no page shows {path.name}"


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.name)
def test_drawings_are_whole_and_fetch_nothing(path: Path) -> None:
    root = ET.fromstring(path.read_text("utf-8"))
    assert root.get("aria-label")
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|@import|<script|href=", text)


def test_the_drawing_of_the_rooms_has_every_room_in_its_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = [re.split(r" [|:] ", layer) for layer in contracts[0]["layers"] if layer != "__main__"]
    namespace = "{http://www.w3.org/2000/svg}"
    drawn: dict[str, list[str]] = {}
    for text in ET.parse(DOCS / "images" / "rooms.svg").iter(f"{namespace}text"):
        if text.get("class") == "strong":
            drawn.setdefault(str(text.get("y")), []).append(str(text.text))
    assert [sorted(layer) for layer in drawn.values()] == [sorted(layer) for layer in layers]


def test_no_page_needs_a_script_from_elsewhere_to_be_drawn() -> None:
    """The theme would fetch Mermaid from another host as soon as a page has such a block."""
    languages = {block.language for page in PAGES for block in blocks(page)}
    assert "mermaid" not in languages


def test_the_page_of_commands_has_every_option() -> None:
    text = commands_page()
    for name, command in commands():
        section = text.split(f"\n## {name}\n")[1].split("\n## ")[0]
        for each in command.params:
            shown = each.opts[0] if each.param_type_name == "option" else each.metavar or str(each.name).upper()
            assert f"`{shown}" in section, f"{name} {shown}"


def test_the_page_of_routes_has_every_route_and_field() -> None:
    document = openapi_document()
    text = routes_page(document)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            section = text.split(f"\n### {method.upper()} {path}\n")[1].split("\n### ")[0]
            assert operation["description"] in section
            for each in operation.get("parameters", []):
                assert f"| `{each['name']}` |" in section, (path, each["name"])
