"""What the machine and its operator decide, read from the environment (`SNAPSHELF_…`).

What belongs to a store, such as its name or its thresholds, is in `snapshelf.toml` instead: see `config`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from snapshelf.cores import allowed_cores
from snapshelf.errors import ConfigError


@dataclass(frozen=True, slots=True)
class QdrantServer:
    """Where a Qdrant server or cluster is."""

    url: str
    api_key: SecretStr | None = None


_DEFAULT_PORTS = {"http": 80, "https": 443}


def _parted(text: object) -> object:
    """A list between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


def _is_origin(text: str) -> str:
    """An origin as browsers write it: scheme, host and, where it is not the usual one, port; nothing else."""
    expected = "expected origins such as https://shop.example, between commas"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{text!r}, which is no origin; {expected}") from None
    if parts.scheme not in _DEFAULT_PORTS or not host or not host.isascii() or "*" in host:
        raise ValueError(f"{text!r}, which is no origin; {expected}")
    shown = f"[{host}]" if ":" in host else host
    usual = port in (None, _DEFAULT_PORTS[parts.scheme])
    written = f"{parts.scheme}://{shown}" + ("" if usual else f":{port}")
    if text != written:
        raise ValueError(f"{text!r}, which is not how browsers write an origin; expected {written}")
    return text


Origin = Annotated[str, AfterValidator(_is_origin)]


Engine = Literal["auto", "onnxruntime", "openvino", "openvino-bf16"]


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

    engine: Engine = "auto"
    """What runs the model; `auto` is the quickest that is installed. `openvino-bf16` is twice as fast on processors
    that compute in bfloat16, and nearly the same."""

    allowed_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_parted)] = ()
    """Shops whose pages may search here by script, such as `https://shop.example`. None: only the server's own page."""

    feedback_days: int = Field(default=90, ge=1, le=3650)
    """After so many days what customers said is removed, reviewed or not, and with it the photos that they left."""

    log_level: Literal["debug", "info", "warning"] | None = None
    """What a server writes to standard error: warnings, or a line for every request too (`info`), also for pictures,
    the page's files and probes (`debug`). Not set: `warning` on a terminal, else `info`."""

    mlflow_uri: str | None = None
    """An MLflow server that is told of every training, such as `http://127.0.0.1:5000`."""

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
        own = first.get("ctx", {}).get("error")
        why = str(own) if own else f"{first['input']!r}: {first['msg'].lower()}"
        raise ConfigError(f"The environment's {name} is {why}.") from None
