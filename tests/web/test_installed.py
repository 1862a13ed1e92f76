"""What installs the page on a device: the manifest, the icons, the script that keeps the page, its version."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from snapshelf.web.icons import icon_png
from snapshelf.web.pages import TEMPLATES
from snapshelf.web.routes.page import STATIC
from snapshelf.web.shell import read_shell


def test_the_manifest_has_the_stores_name_and_colour_and_icons_that_are_there(client: TestClient) -> None:
    answer = client.get("/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    manifest = answer.json()
    assert (manifest["name"], manifest["theme_color"]) == ("My store", "#0b6e4f")
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/", "/", "standalone")
    assert [(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]] == [
        ("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")
    ]  # fmt: skip
    german = client.get("/manifest.webmanifest", headers={"Accept-Language": "de"}).json()
    assert (german["lang"], german["dir"]) == ("de", "ltr")
    assert german["description"] != manifest["description"]
    for icon in manifest["icons"]:
        picture = client.get(icon["src"])
        assert picture.headers["content-type"] == icon["type"]
        width, height = Image.open(io.BytesIO(picture.content)).size
        assert f"{width}x{height}" == icon["sizes"]
        assert len(picture.content) < 20_000


def test_the_page_names_the_manifest_and_the_icon_and_may_load_them(client: TestClient) -> None:
    page = client.get("/")
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page.text
    assert '<link rel="apple-touch-icon" href="/icons/180.png">' in page.text
    assert "manifest-src 'self'" in page.headers["Content-Security-Policy"]
    assert client.get("/icons/180.png").status_code == 200


@pytest.mark.parametrize("name", ["64.png", "..%2f512.png", "512.svg"])
def test_an_icon_that_is_not_there(client: TestClient, name: str) -> None:
    assert client.get(f"/icons/{name}").status_code == 404


@pytest.mark.parametrize(("accent", "ink"), [("#0b6e4f", (255, 255, 255)), ("#f5c400", (17, 19, 18))])
def test_an_icon_is_drawn_in_the_stores_colour_and_can_be_seen(accent: str, ink: tuple[int, int, int]) -> None:
    image = Image.open(io.BytesIO(icon_png(192, accent))).convert("RGBA")
    assert image.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert "#{:02x}{:02x}{:02x}".format(*image.getpixel((96, 12))[:3]) == accent  # type: ignore[index]
    assert image.getpixel((96, 144))[:3] == ink  # type: ignore[index]


def test_a_maskable_icon_fills_the_square_and_keeps_its_shape_within_the_safe_circle() -> None:
    image = Image.open(io.BytesIO(icon_png(512, "#0b6e4f", maskable=True))).convert("RGBA")
    ground = image.getpixel((0, 0))
    assert ground == (11, 110, 79, 255)
    for x in range(0, 512, 4):
        for y in range(0, 512, 4):
            if (x - 256) ** 2 + (y - 256) ** 2 > (0.4 * 512) ** 2:
                assert image.getpixel((x, y)) == ground


def shell_of(script: str) -> dict[str, Any]:
    first = script.split("\n", 1)[0]
    found = json.loads(first.removeprefix("const SHELL = ").removesuffix(";"))
    assert isinstance(found, dict)
    return found


def test_the_script_names_every_file_of_the_page_with_its_hash(client: TestClient) -> None:
    answer = client.get("/service-worker.js")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == (
        "text/javascript; charset=utf-8", "no-cache"
    )  # fmt: skip
    files = shell_of(answer.text)["files"]
    for address, integrity in files.items():
        served = client.get(address)
        assert integrity == "sha256-" + base64.b64encode(hashlib.sha256(served.content).digest()).decode(), address
    assert {"/static/style.css", "/static/js/main.js", "/static/js/camera.js", "/static/words/de.json"} <= set(files)
    assert "/static/service-worker.js" not in files


@pytest.mark.parametrize("path", ["/", "/?language=de", "/privacy"])
def test_pages_say_of_which_version_they_are(client: TestClient, path: str) -> None:
    version = shell_of(client.get("/service-worker.js").text)["version"]
    page = client.get(path)
    assert page.headers["Shell-Version"] == version
    again = client.get(path, headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status_code, again.headers["Shell-Version"]) == (304, version)


@pytest.mark.parametrize("changed", ["static/js/words.js", "templates/index.html"])
def test_any_change_of_a_file_makes_another_version(tmp_path: Path, changed: str) -> None:
    shutil.copytree(STATIC, tmp_path / "static")
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    before = read_shell(tmp_path / "static", tmp_path / "templates")
    assert read_shell(STATIC, TEMPLATES) == before
    with (tmp_path / changed).open("a", encoding="utf-8") as file:
        file.write("\n")
    after = read_shell(tmp_path / "static", tmp_path / "templates")
    assert after.version != before.version
    assert {f"/{changed}"} >= {name for name in after.files if after.files[name] != before.files[name]}


def test_files_of_the_staff_and_of_other_shops_are_not_kept_on_customers_devices(tmp_path: Path) -> None:
    shutil.copytree(STATIC, tmp_path / "static")
    for name in ("admin.html", "js/admin.js", "js/embed-words.js", "js/snapshelf-search.js"):
        (tmp_path / "static" / name).write_text("", "utf-8")
    (tmp_path / "static" / "js" / "admin").mkdir(exist_ok=True)
    (tmp_path / "static" / "js" / "admin" / "queue.js").write_text("", "utf-8")
    assert not [name for name in read_shell(tmp_path / "static", TEMPLATES).files if "admin" in name or "embed" in name]
