"""What the machine and its operator decide, read from the environment (`SNAPSHELF_…`).

What belongs to a store, such as its name or its thresholds, is in `snapshelf.toml` instead: see `config`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from snapshelf.cores import allowed_cores
from snapshelf.errors import ConfigError


@dataclass(frozen=True, slots=True)
class QdrantServer:
    """Where a Qdrant server or cluster is."""

    url: str
    api_key: SecretStr | None = None


class Settings(BaseSettings):
    """Limits and secrets. Every field can be set as `SNAPSHELF_` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="SNAPSHELF_", frozen=True)

    admin_key: SecretStr | None = None
    """What staff send as `Authorization: Bearer …`. Without one, nobody may change products."""

    max_upload_bytes: int = Field(default=20_000_000, ge=1)
    """The largest photo file that is read."""

    max_pixels: int = Field(default=50_000_000, ge=1)
    """The largest photo, width times height, that is decoded."""

    max_in_flight: int = Field(default=64, ge=1)
    """Requests that bring a photo or a change and may be under way at once."""

    rate_limit: int = Field(default=0, ge=0)
    """Requests a minute for one client; 0 is no limit."""

    threads: int = Field(default=0, ge=0)
    """The cores that may be used; 0 is all that this process may run on, or has a share of."""

    log_level: Literal["debug", "info", "warning"] | None = None
    """What a server writes to standard error: warnings, or a line for every request too (`info`), also for pictures,
    the page's files and probes (`debug`). Not set: `warning` on a terminal, else `info`."""

    qdrant_url: str | None = Field(default=None, pattern=r"^https?://")
    """Where a Qdrant server or cluster is, with its port: indexes are built there. Without one, they are files."""

    qdrant_api_key: SecretStr | None = None
    """What that server asks for."""

    @property
    def qdrant_server(self) -> QdrantServer | None:
        """The server, where one is set."""
        return None if self.qdrant_url is None else QdrantServer(self.qdrant_url, self.qdrant_api_key)

    @cached_property
    def num_threads(self) -> int:
        """The cores to use: `threads`, or those that the operating system lets this process run on, but no more than
        its group has a share of (containers)."""
        return self.threads or allowed_cores()


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        ConfigError: naming the variable, what it holds and what it should.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"SNAPSHELF_{first['loc'][0]}".upper()
        raise ConfigError(f"The environment's {name} is {first['input']!r}: {first['msg'].lower()}.") from None
