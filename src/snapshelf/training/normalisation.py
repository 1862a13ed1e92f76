"""How pixels are scaled before a network sees them: that belongs to its weights, not to its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from safetensors import SafetensorError, safe_open
from torch import Tensor

from snapshelf.errors import ConfigError

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Normalisation:
    """`(pixel − mean) / std` for red, green and blue, of pixels from 0 to 255."""

    mean: Triple
    std: Triple

    @classmethod
    def from_fractions(cls, mean: Any, std: Any) -> Self:  # noqa: ANN401 (what a file holds)
        """From the usual form, for pixels from 0 to 1.

        Raises:
            ValueError, TypeError: these are not three numbers each.
        """
        return cls(_scaled(mean), _scaled(std))

    def as_metadata(self) -> dict[str, str]:
        """For a safetensors file; `normalisation_of` reads it."""
        return {"mean": json.dumps(self.mean), "std": json.dumps(self.std)}


_KNOWN = {
    # The Oxford group's own VGG16 (Simonyan and Zisserman 2015), trained with Caffe, in whatever file it comes.
    "ae2da5ecbf928578dd7088d3049fa43d79f0c69cedc39305893902a0ba43432b": Normalisation(
        (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)
    ),
}
"""Releases that are handed on in files which do not tell, by the SHA-256 of their first convolution."""


def normalisation_of(path: Path, state: Mapping[str, Tensor]) -> Normalisation | None:
    """What a file of weights tells of it, or None.

    Asked one after the other: the file's own metadata, as our checkpoints have them; a `config.json` beside it, as
    model hubs have them; and whether these are weights that are known to need something else than usual.

    Args:
        path: the file.
        state: what it holds.

    Raises:
        ConfigError: there is a `config.json` whose `mean` or `std` are no three numbers.
    """
    return _from_metadata(path) or _from_config(path.with_name("config.json")) or _KNOWN.get(_first_convolution(state))


def _from_metadata(path: Path) -> Normalisation | None:
    if path.suffix != ".safetensors":
        return None
    try:
        with safe_open(path, "pt") as file:
            found = file.metadata() or {}
        return Normalisation(_triple(json.loads(found["mean"])), _triple(json.loads(found["std"])))
    except (SafetensorError, KeyError, ValueError, TypeError):
        return None


def _from_config(path: Path) -> Normalisation | None:
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
        found = found.get("pretrained_cfg", found)
        if "mean" not in found or "std" not in found:
            return None
        return Normalisation.from_fractions(found["mean"], found["std"])
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path}, beside the weights, does not tell how pixels are scaled ({error}). Expected mean and std of "
            "three numbers each, for pixels from 0 to 1, as model hubs write them."
        ) from None


def _first_convolution(state: Mapping[str, Tensor]) -> str:
    for value in state.values():
        if value.ndim == 4 and value.shape[1] == 3:
            return hashlib.sha256(value.float().contiguous().numpy().tobytes()).hexdigest()
    return ""


def _scaled(values: Any) -> Triple:  # noqa: ANN401
    red, green, blue = (round(float(value) * 255, 4) for value in values)
    return red, green, blue


def _triple(values: Any) -> Triple:  # noqa: ANN401
    red, green, blue = (float(value) for value in values)
    return red, green, blue
