"""A model's folder → the network that was exported into it, for exporters that do not start from ONNX.

Shapes: C classes, D numbers an embedding.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import load_file
from torch import Tensor

from snapshelf.artifacts.cards import ModelCard
from snapshelf.errors import ArtifactMissingError
from snapshelf.training.backbones import load_backbone
from snapshelf.training.export import Deployed, Readout
from snapshelf.training.familiarity import Familiarity
from snapshelf.training.inference import Seen
from snapshelf.training.model_folder import CHECKPOINT, ONNX
from snapshelf.training.projection import Projection


def reopen(folder: Path) -> Deployed:
    """The network with its checkpoint's weights; what was made of its answers, as `model.onnx` has it.

    Raises:
        ArtifactMissingError: there is no checkpoint.
        ConfigError: the backbone is not known any more.
    """
    card, checkpoint = ModelCard.read(folder), folder / CHECKPOINT
    if not checkpoint.exists():
        raise ArtifactMissingError(f"{checkpoint} is missing, from which this form is made. Take --to onnx.")
    backbone = load_backbone(card.backbone, len(card.labels), size_px=card.preprocess.size_px, weights=str(checkpoint))
    backbone.network.load_state_dict(load_file(checkpoint))
    kept = {
        tensor.name: torch.from_numpy(np.array(numpy_helper.to_array(tensor)))
        for tensor in onnx.load(folder / ONNX).graph.initializer
        if tensor.name.startswith(("familiarity.", "projection."))
    }
    backbone.network.float().cpu()
    return Deployed(backbone, Readout(_familiarity(kept, card.temperature), _projection(kept))).eval()


def _familiarity(kept: dict[str, Tensor], temperature: float) -> Familiarity | None:
    state = {name.partition(".")[2]: tensor for name, tensor in kept.items() if name.startswith("familiarity.")}
    if not state:
        return None
    dim, num_classes = state["means_DC"].shape
    nothing = Seen(np.zeros((1, num_classes), np.float32), np.zeros((1, dim), np.float32))
    familiarity = Familiarity(state["means_DC"].T, temperature, nothing)
    familiarity.load_state_dict(state)
    return familiarity


def _projection(kept: dict[str, Tensor]) -> Projection | None:
    if "projection.components_DP" not in kept:
        return None
    return Projection(kept["projection.mean_D"], kept["projection.components_DP"].T)
