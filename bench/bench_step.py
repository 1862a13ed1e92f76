"""What does a photo cost to learn from on a processor, and what do the two savings of decision 12 bring?

    python bench/bench_step.py

Prints ms a photo of a training step of EfficientNet-Lite0 with random weights, on noise, in batches of 32: as PyTorch
does it, with depthwise gradients in float32, and with freed memory kept as well; the best of a few steps each.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from snapshelf.settings import load_settings
from snapshelf.training.backbones import BUNDLED, load_backbone
from snapshelf.training.depthwise import quick_depthwise
from snapshelf.training.device import autocast, best_device, place, reuse_freed_memory
from snapshelf.training.inference import normaliser
from snapshelf.training.optimizer import optimizer_for
from snapshelf.training.schedule import Schedule

SIZES_PX = (128, 160, 224)
BATCH, STEPS, NUM_CLASSES = 32, 6, 81


def main() -> None:
    """Print three lines, a number for each size."""
    torch.set_num_threads(load_settings().num_threads)
    print(f"{'':42}" + "".join(f"{size_px:>8} px" for size_px in SIZES_PX))
    print_row("as PyTorch does it", quick=False)
    print_row("depthwise gradients in float32", quick=True)
    kept = reuse_freed_memory()
    print_row(f"and freed memory kept{'' if kept else ' (not to be had here)'}", quick=True)


def print_row(words: str, *, quick: bool) -> None:
    """One way of doing it, at every size."""
    print(f"{words:42}" + "".join(f"{step_ms(size_px, quick=quick):>8.1f} ms" for size_px in SIZES_PX), flush=True)


def step_ms(size_px: int, *, quick: bool) -> float:
    """The best of a few steps, for a photo."""
    torch.manual_seed(0)
    device = best_device()
    backbone = load_backbone(BUNDLED, NUM_CLASSES, size_px=size_px, weights="none")
    network, normalise = backbone.network, normaliser(backbone, device)
    place(network, device)
    network.train()
    optimizer = optimizer_for(network, Schedule(epochs=1, batch_size=BATCH, learning_rate=1e-4))
    random = np.random.default_rng(0)
    photos = torch.from_numpy(random.integers(0, 256, (BATCH, 3, size_px, size_px), dtype=np.uint8))
    labels = torch.from_numpy(random.integers(0, NUM_CLASSES, BATCH)).to(device)
    seconds = []
    with quick_depthwise(network, wanted=quick):
        for _ in range(STEPS):
            started = time.perf_counter()
            with autocast(device):
                logits_NC, _ = network(normalise(photos))
            loss = torch.nn.functional.cross_entropy(logits_NC.float(), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            seconds.append(time.perf_counter() - started)
    return min(seconds) / BATCH * 1000


if __name__ == "__main__":
    main()
