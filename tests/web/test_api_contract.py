"""Schemathesis against a running server: whatever is sent, the answers keep to the API's description."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from snapshelf.settings import Settings
from snapshelf.wiring import open_shelf
from tests.serving import served
from tests.tiny_store import build_tiny_store

HERE = Path(__file__).parent
KEY = "open-sesame"


@pytest.mark.parametrize("key", [KEY, None], ids=["staff", "customers"])
def test_schemathesis_finds_nothing(tmp_path: Path, key: str | None) -> None:
    settings = Settings(admin_key=SecretStr(KEY), threads=1)
    with served(open_shelf(build_tiny_store(tmp_path), settings), settings) as address:
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
                *("run", f"{address}/openapi.json", "--no-color", "--suppress-health-check", "all"),
                *(("--header", f"Authorization: Bearer {key}") if key else ("--max-examples", "10")),
            ],
            env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.web.schemathesis_hooks", "PYTHONPATH": str(HERE.parents[1])},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-5_000:]
