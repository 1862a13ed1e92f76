"""How sources are to be read, where a store says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from snapshelf.config import StoreConfig


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What the sources may want to know. Each takes what concerns it."""

    downloads: Path
    """Where fetched files are kept."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Our names of a table's columns to the table's own, where they differ."""

    box_padding: float = 0.0
    """Added around every box, in fractions of its width and height; cut at the photo's edges."""

    min_confidence: float = 0.5
    """Labels that are given with a lower confidence, 0 to 1, are left out."""

    allowed_hosts: frozenset[str] = frozenset()
    """Hosts that photos may be fetched from although their addresses are private; all in lower case."""

    @classmethod
    def of(cls, config: StoreConfig, downloads: Path) -> Self:
        """What a store's `snapshelf.toml` says."""
        prepare = config.prepare
        return cls(
            downloads=downloads,
            columns=config.catalogue_columns,
            box_padding=prepare.box_padding,
            min_confidence=prepare.min_confidence,
            allowed_hosts=frozenset(host.lower() for host in prepare.allowed_hosts),
        )
