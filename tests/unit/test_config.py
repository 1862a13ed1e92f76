"""snapshelf.toml and the environment: what may stand there, and what is said of what may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from snapshelf.config import TEMPLATE, StoreConfig, load_config
from snapshelf.errors import ConfigError
from snapshelf.settings import load_settings


def written(folder: Path, text: str) -> Path:
    path = folder / "snapshelf.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_missing_file_is_all_defaults(tmp_path: Path) -> None:
    assert load_config(tmp_path / "snapshelf.toml") == StoreConfig()


def test_the_template_holds_the_defaults(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, TEMPLATE.format(name="My store"))) == StoreConfig()


def test_values_are_read(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, 'name = "Schuhe & mehr"\n[catalogue_columns]\nprice = "Preis"\n'))
    assert (config.name, config.catalogue_columns) == ("Schuhe & mehr", {"price": "Preis"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\nbackbne = 'x'", r"unknown key train\.backbne\. Did you mean train\.backbone\?"),
        ("zzz = 1", r"unknown key zzz\. Known keys: name, page\.accent"),
        ("[page]\naccent = 'green'", r"page\.accent is 'green'"),
        ("[verdict]\nlikely = 2", r"verdict\.likely is 2"),
        ("name = ", r"not valid TOML"),
    ],
)
def test_what_may_not_stand_there_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(written(tmp_path, text))


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSHELF_MAX_PIXELS", "1000")
    monkeypatch.setenv("SNAPSHELF_ADMIN_KEY", "secret")
    settings = load_settings()
    assert settings.max_pixels == 1000
    assert "secret" not in repr(settings)


def test_a_qdrant_server_is_one_where_its_address_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSHELF_QDRANT_API_KEY", "secret")
    assert load_settings().qdrant_server is None
    monkeypatch.setenv("SNAPSHELF_QDRANT_URL", "https://qdrant.example:6333")
    server = load_settings().qdrant_server
    assert server is not None
    assert (server.url, server.api_key is not None) == ("https://qdrant.example:6333", True)
    assert "secret" not in repr(server)
    monkeypatch.setenv("SNAPSHELF_QDRANT_URL", "qdrant.example")
    with pytest.raises(ConfigError, match=r"SNAPSHELF_QDRANT_URL is 'qdrant\.example'"):
        load_settings()


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSHELF_RATE_LIMIT", "-5")
    with pytest.raises(ConfigError, match="SNAPSHELF_RATE_LIMIT is '-5'"):
        load_settings()


def test_origins_are_none_unless_named_between_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().allowed_origins == ()
    monkeypatch.setenv("SNAPSHELF_ALLOWED_ORIGINS", "https://shop.example, http://localhost:3000,https://[::1]:8443,")
    assert load_settings().allowed_origins == ("https://shop.example", "http://localhost:3000", "https://[::1]:8443")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("*", "which is no origin; expected origins such as https://shop.example"),
        ("https://*.shop.example", "is no origin"),
        ("null", "is no origin"),
        ("shop.example", "is no origin"),
        ("ftp://shop.example", "is no origin"),
        ("https://bücher.example", "is no origin"),
        ("https://shop.example:port", "is no origin"),
        ("https://[shop", "is no origin"),
        ("https://shop.example/", "expected https://shop.example."),
        ("https://shop.example/search", "expected https://shop.example."),
        ("https://Shop.example", "expected https://shop.example."),
        ("https://shop.example:443", "expected https://shop.example."),
        ("https://me:secret@shop.example", "expected https://shop.example."),
        ("https://shop.example?x", "expected https://shop.example."),
    ],
)
def test_what_is_no_origin_is_named(monkeypatch: pytest.MonkeyPatch, found: str, expected: str) -> None:
    monkeypatch.setenv("SNAPSHELF_ALLOWED_ORIGINS", f"https://first.example,{found}")
    with pytest.raises(ConfigError, match=re.escape(f"SNAPSHELF_ALLOWED_ORIGINS is {found!r}")) as refused:
        load_settings()
    assert expected in str(refused.value)


def test_threads_are_those_allowed_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().num_threads >= 1
    monkeypatch.setenv("SNAPSHELF_THREADS", "3")
    assert load_settings().num_threads == 3
