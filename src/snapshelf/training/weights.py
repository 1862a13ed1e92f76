"""Weight files: read without pickle's dangers, and put into a network only where every shape fits."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from pickle import UnpicklingError

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from snapshelf.artifacts.publish import sha256_file
from snapshelf.errors import ConfigError

State = dict[str, Tensor]


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

    A checkpoint of our own names them `body.…`; one of another library may name them as timm knows to translate, or
    otherwise but in the same order.

    Args:
        body: what is filled, in place.
        state: tensors by name.
        head: the names under which a classifier may stand in `state`; it is passed over.
        source: where the weights are from, for the message.

    Raises:
        ConfigError: with a list of what did not fit.
    """
    heads = tuple(f"{name}." for name in head)
    wanted = body.state_dict()
    found = _translated(body, state)
    misfits = _misfits(wanted, found, heads)
    if misfits:
        ordered = _in_same_order(wanted, state)
        if ordered is None:
            held = f"it holds {len(state)} tensors, the backbone {len(wanted)}"
            raise ConfigError(f"The weights of {source} do not fit this backbone ({held}): {_listed(misfits)}.")
        found = ordered
    body.load_state_dict({name: found[name] for name in wanted if name in found}, strict=False)


def _translated(body: nn.Module, state: Mapping[str, Tensor]) -> State:
    """The tensors under the names of the body, as far as these can be told."""
    if any(name.startswith("body.") for name in state):
        return {name.removeprefix("body."): value for name, value in state.items() if name.startswith("body.")}
    # Beside each architecture timm keeps what renames the files in which its weights were first published.
    module = sys.modules.get(type(body).__module__)
    if not (rename := getattr(module, "checkpoint_filter_fn", None) or getattr(module, "_filter_fn", None)):
        return dict(state)
    takes_the_model = len(inspect.signature(rename).parameters) > 1
    try:
        return dict(rename(dict(state), body) if takes_the_model else rename(dict(state)))
    except (KeyError, ValueError, RuntimeError, AttributeError, TypeError):
        return dict(state)  # it is not one of those files


def _misfits(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor], heads: tuple[str, ...]) -> list[str]:
    missing = [f"{name} is missing" for name in wanted if name not in state and not _is_counter(name)]
    foreign = [f"{name} is not part of it" for name in state if name not in wanted and not name.startswith(heads)]
    other_shapes = [
        f"{name} is {tuple(state[name].shape)}, expected {tuple(value.shape)}"
        for name, value in wanted.items()
        if name in state and state[name].shape != value.shape
    ]
    return missing + foreign + other_shapes


def _in_same_order(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> State | None:
    """The tensors under the body's names, where they are the same ones in the same order under other names.

    A classifier of one layer may follow them. None where kind or shape of any differs.
    """
    names = [name for name in wanted if not _is_counter(name)]
    others = [name for name in state if not _is_counter(name)]
    if len(others) - len(names) not in (0, 2):
        return None
    pairs = list(zip(names, others, strict=False))
    alike = all(
        wanted[name].shape == state[other].shape and name.rpartition(".")[2] == other.rpartition(".")[2]
        for name, other in pairs
    )
    return {name: state[other] for name, other in pairs} if alike else None


def _is_counter(name: str) -> bool:
    """Batch norm's count of batches, which older files lack and nothing here reads."""
    return name.endswith("num_batches_tracked")


def _listed(misfits: list[str], shown: int = 8) -> str:
    more = f"; and {len(misfits) - shown} more" if len(misfits) > shown else ""
    return "; ".join(misfits[:shown]) + more
