"""Build the documentation as a site: python -m website.build [FOLDER]

The pages of docs/, with SECURITY.md, CHANGELOG.md and the pages that are made of the program, are put together in
FOLDER/pages (.site/pages if nothing is said), and Zensical makes FOLDER/html of them. A warning of Zensical's, such as
a link or an anchor that leads nowhere, is an error.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from website.commands import commands_page
from website.routes import openapi_document, routes_page

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
DOCS = ROOT / "docs"
FROM_ROOT = {ROOT / "SECURITY.md": "security.md", ROOT / "CHANGELOG.md": "changelog.md"}
"""Pages of the site that lie beside docs/, and what they are called there."""

_LINK = re.compile(r"(?<=\]\()(?P<path>[^)#\s:]+)(?P<anchor>#[^)\s]*)?(?=\))")
_DECISIONS = '"decisions/README.md"'


def build(folder: Path) -> Path:
    """Build the site anew and return the folder that holds its pages.

    Raises:
        subprocess.CalledProcessError: Zensical warned of something; what it said is on standard error.
    """
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    put_together(pages)
    (folder / "zensical.toml").write_text(configuration(), "utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)
    return folder / "html"


def put_together(pages: Path) -> None:
    """Write every page and picture of the site into a folder, as Markdown."""
    shutil.copytree(DOCS, pages)
    for source in sorted(DOCS.rglob("*.md")):
        _write(source, pages, str(source.relative_to(DOCS)))
    for source, name in FROM_ROOT.items():
        _write(source, pages, name)
    for beside in (HERE / "style.css", ROOT / "src" / "snapshelf" / "web" / "static" / "icon.svg"):
        shutil.copy(beside, pages)
    document = openapi_document()
    (pages / "openapi.json").write_text(json.dumps(document, indent=1, ensure_ascii=False), "utf-8")
    (pages / "routes.md").write_text(routes_page(document), "utf-8")
    (pages / "commands.md").write_text(commands_page(), "utf-8")


def configuration() -> str:
    """Zensical's configuration, with every decision in the navigation."""
    text = (HERE / "zensical.toml").read_text("utf-8")
    pages = [_DECISIONS, *(json.dumps(f"decisions/{path.name}") for path in sorted(DOCS.glob("decisions/0*.md")))]
    return text.replace(_DECISIONS, ", ".join(pages))


def _write(source: Path, pages: Path, name: str) -> None:
    """A page, its links to pages that are called otherwise on the site set right."""

    def moved(link: re.Match[str]) -> str:
        target = (source.parent / link["path"]).resolve()
        place = FROM_ROOT.get(target)
        if place is None and source in FROM_ROOT and target.is_relative_to(DOCS):
            place = str(target.relative_to(DOCS))
        if place is None:
            return link[0]
        return os.path.relpath(place, Path(name).parent) + (link["anchor"] or "")

    (pages / name).write_text(_LINK.sub(moved, source.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    html = build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".site")
    sys.stdout.write(f"{html / 'index.html'}\n")
