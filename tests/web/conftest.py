"""The web application over a tiny real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from snapshelf.settings import Settings
from snapshelf.web.app import create_app
from snapshelf.wiring import open_shelf
from tests.tiny_store import build_tiny_store

ADMIN_KEY = "open-sesame"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A running application with an admin key and no rate limit."""
    settings = Settings(admin_key=SecretStr(ADMIN_KEY), threads=1)
    with TestClient(create_app(open_shelf(build_tiny_store(tmp_path), settings), settings)) as running:
        yield running
