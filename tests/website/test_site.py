"""The site as `make docs` builds it: without a warning, and with nothing from elsewhere in it."""

from __future__ import annotations

import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from website import build as builder

pytest.importorskip("zensical", reason="Zensical is not installed; make setup installs it")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return builder.build(tmp_path_factory.mktemp("site") / "built")


class Loaded(HTMLParser):
    """What a page loads by itself, and where its links go."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a":
            self.links.append(found.get("href") or "")
        elif tag in ("script", "img", "source", "iframe"):
            self.loads.append(found.get("src") or "")
        elif tag == "link" and found.get("rel") not in ("canonical", "next", "prev"):
            self.loads.append(found.get("href") or "")


def test_pages_load_nothing_from_elsewhere_and_their_links_lead_somewhere(site: Path) -> None:
    pages = [page for page in site.rglob("*.html") if page.name != "404.html"]
    assert len(pages) > 40
    for page in pages:
        parser = Loaded()
        parser.feed(page.read_text("utf-8"))
        for address in [each for each in parser.loads if each]:
            assert not urlsplit(address).netloc, f"{page.relative_to(site)} loads {address}"
            assert (page.parent / unquote(urlsplit(address).path)).is_file(), f"{page.relative_to(site)}: {address}"
        for link in parser.links:
            if link and not urlsplit(link).scheme and urlsplit(link).path:
                target = page.parent / unquote(urlsplit(link).path)
                assert target.exists(), f"{page.relative_to(site)}: {link}"


@pytest.mark.parametrize("fault", ["[away](nowhere.md)", "[away](data.md#nowhere)"])
def test_a_link_that_leads_nowhere_ends_the_build(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_together = builder.put_together

    def spoilt(pages: Path) -> None:
        put_together(pages)
        (pages / "start.md").write_text(f"# Start\n\n{fault}\n", "utf-8")

    monkeypatch.setattr(builder, "put_together", spoilt)
    with pytest.raises(subprocess.CalledProcessError):
        builder.build(tmp_path / "built")
