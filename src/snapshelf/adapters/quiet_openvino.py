"""OpenVINO, imported so that it speaks to nobody."""

from __future__ import annotations

import sys

# Whoever imports openvino is told of to Google Analytics, unless this is not installed; it then has a stub of its own.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
import openvino as ov  # noqa: E402

__all__ = ["ov"]
