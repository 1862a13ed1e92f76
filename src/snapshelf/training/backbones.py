"""Backbones by name: our own small ones, and every network that timm knows."""

from __future__ import annotations

import contextlib
import difflib
import logging
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch import nn

from snapshelf.errors import ConfigError
from snapshelf.progress import console
from snapshelf.training.networks import Network, compact_body, mini_resnet_body, seed_cnn_body, with_body
from snapshelf.training.normalisation import Normalisation, normalisation_of
from snapshelf.training.packaged_weights import packaged_weights
from snapshelf.training.torchvision_compat import declare_missing_operators
from snapshelf.training.weights import describe_file, load_body, read_weights

if TYPE_CHECKING:
    from snapshelf.training.weights import State

BUNDLED = "tf_efficientnet_lite0"
"""The backbone whose weights are installed with us, so that it needs no model hub."""

AUTO = "auto"
"""Whichever suits the photos: see `backbone_for`."""

OWN = ("seed-cnn", "compact", "mini-resnet")
OWN_SIZE_PX = 28
_OWN_MAX_PX = 96
_TINY_PX = 48
"""Up to this side a network that was made for 224 px sees hardly anything."""

_OWN_NORMALISATION = Normalisation((127.5, 127.5, 127.5), (127.5, 127.5, 127.5))


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network that is ready to be trained or used, and what belongs to its weights."""

    name: str
    network: Network
    size_px: int
    """The side of the photos that it is for."""
    normalisation: Normalisation
    """As its weights want it."""
    weights: str
    """Where the weights are from, for the model's card; `none` where they are random."""
    fixed_size: bool = False
    """Whether it takes photos of no other size."""

    @property
    def pretrained(self) -> bool:
        """Whether the body has learnt something already."""
        return self.weights != "none"


def backbone_for(size_px: int, recipe: str) -> str:
    """The name of the network that suits photos of this side and a recipe best, of those that need no download."""
    if size_px > _TINY_PX:
        return BUNDLED
    return "compact" if recipe == "quick" else "mini-resnet"


def load_backbone(name: str, num_classes: int, *, size_px: int | None = None, weights: str = "auto") -> Backbone:
    """A named backbone with a new head.

    Args:
        name: `seed-cnn`, `compact` or a timm name.
        num_classes: C; 0 for no head.
        size_px: the side of the photos it will see; None for the side that it was made for.
        weights: `auto` for the best that are known, `none` for random ones, or a file.

    Raises:
        ConfigError: the name is unknown, the size does not suit it, or the weights cannot be had or do not fit.
    """
    return (_own if name in OWN else _from_timm)(name, num_classes, size_px, weights)


def _own(name: str, num_classes: int, size_px: int | None, weights: str) -> Backbone:
    size_px = size_px or OWN_SIZE_PX
    if size_px > _OWN_MAX_PX:
        raise ConfigError(
            f"{name} is for photos of about 28 to 32 px, at most {_OWN_MAX_PX}; these have {size_px}. "
            f"Use a larger backbone: --backbone {BUNDLED}"
        )
    bodies: dict[str, Callable[[], nn.Module]] = {
        "seed-cnn": partial(seed_cnn_body, size_px),
        "compact": compact_body,
        "mini-resnet": mini_resnet_body,
    }
    body, origin, normalisation = bodies[name](), "none", None
    if weights not in ("auto", "none"):
        origin, normalisation = _load_file(body, Path(weights), head=("head",))
    network = with_body(body, size_px, num_classes)
    return Backbone(name, network, size_px, normalisation or _OWN_NORMALISATION, origin)


def _from_timm(name: str, num_classes: int, size_px: int | None, weights: str) -> Backbone:
    timm = _import_timm()
    if not timm.is_model(name):
        known = timm.list_models() + list(OWN)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"Near it: {', '.join(near)}" if near else f"For example {BUNDLED}, compact or resnet50"
        raise ConfigError(f"--backbone {name} is not known. {hint}.")
    with _quiet():
        body = timm.create_model(name, pretrained=False, num_classes=0)
    data: dict[str, Any] = body.pretrained_cfg
    own_size_px = int(data["input_size"][-1])
    fixed_size = bool(data.get("fixed_input_size"))
    _check_size(name, own_size_px, size_px, fixed=fixed_size)
    origin, normalisation = _load_timm_weights(timm, name, body, data["classifier"], weights)
    normalisation = normalisation or Normalisation.from_fractions(data["mean"], data["std"])
    size_px = size_px or own_size_px
    return Backbone(name, with_body(body, size_px, num_classes), size_px, normalisation, origin, fixed_size)


def _import_timm() -> ModuleType:
    declare_missing_operators()
    import timm  # noqa: PLC0415 (takes seconds, only after the operators are declared, and not for our own networks)

    module: ModuleType = timm
    return module


def _check_size(name: str, own_px: int, size_px: int | None, *, fixed: bool) -> None:
    if size_px in (None, own_px):
        return
    if fixed:
        raise ConfigError(
            f"{name} takes photos of {own_px} px and no other; these have {size_px}. Prepare them so: "
            f"snapshelf prepare SOURCE --size {own_px}, or choose another backbone."
        )
    if size_px < own_px // 2:
        console.print(
            f"Note: {name} is made for photos of about {own_px} px; these have {size_px}, so it will see little. "
            "For such small photos try --backbone compact.",
            style="yellow",
        )


def _load_timm_weights(
    timm: ModuleType, name: str, body: nn.Module, classifier: str | tuple[str, ...], weights: str
) -> tuple[str, Normalisation | None]:
    """Where the weights are from, and how they want pixels scaled, where that is not as timm says."""
    if weights == "none":
        return "none", None
    head = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    if weights != "auto":
        return _load_file(body, Path(weights), head)
    state, origin, normalisation = packaged_weights(name) or (*_from_hub(timm, name), None)
    load_body(body, state, head=head, source=origin)
    return origin, normalisation


def _load_file(body: nn.Module, path: Path, head: tuple[str, ...]) -> tuple[str, Normalisation | None]:
    state = read_weights(path)
    if _holds_convolutions_alone(body, state):
        body.pre_logits = nn.Identity()
        console.print(f"{path.name} holds no fully connected layers: the last maps are averaged instead.", markup=False)
    load_body(body, state, head=(*head, "head"), source=path.name)
    return describe_file(path), normalisation_of(path, state)


def _holds_convolutions_alone(body: nn.Module, state: State) -> bool:
    """Whether the file ends before the layers that timm's VGG has between its maps and its classifier."""
    wanted = any(name.startswith("pre_logits.") for name in body.state_dict())
    given = [name.removeprefix("body.") for name in state]
    connected = any(name.startswith(("pre_logits.", "classifier.")) for name in given)
    return wanted and not connected and any(name.startswith("features.") for name in given)


def _from_hub(timm: ModuleType, name: str) -> tuple[State, str]:
    data = timm.get_pretrained_cfg(name)
    repository = data.hf_hub_id if data else None
    if not repository:
        raise ConfigError(f"timm knows no pretrained weights for {name}. Give --weights PATH or --weights none.")
    silence = _hub_silence(repository)
    if silence:
        raise ConfigError(
            f"The weights of {name} are on a model hub that cannot be reached from here ({silence}). Give --weights "
            f"PATH (a .safetensors or .pth file) or --weights none, or use {BUNDLED}, whose weights are installed."
        )
    try:
        with _quiet():
            state: State = timm.create_model(name, pretrained=True).state_dict()
    except (OSError, RuntimeError) as error:
        brief = str(error).splitlines()[0][:160]
        raise ConfigError(
            f"The weights of {name} could not be fetched ({brief}). Give --weights PATH or none."
        ) from None
    return state, f"timm hub {repository}"


def _hub_silence(repository: str) -> str | None:
    """Why the hub does not answer, or None. Asked once, quickly: the hub's own client tries for most of a minute."""
    from huggingface_hub import constants, try_to_load_from_cache  # noqa: PLC0415 (only where a hub is asked for)

    if isinstance(try_to_load_from_cache(repository, "model.safetensors"), str):
        return None
    try:
        with urllib.request.urlopen(constants.ENDPOINT, timeout=8):  # noqa: S310 (the hub of the user's own choice)
            return None
    except urllib.error.HTTPError:
        return None  # it answers
    except OSError as error:
        return f"{constants.ENDPOINT}: {getattr(error, 'reason', error)}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' own talk of retries and missing keys off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)
