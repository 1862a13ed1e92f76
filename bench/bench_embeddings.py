"""How long must an embedding be, and does whitening it help?

    python bench/bench_embeddings.py STORE [--pack-shots TEXT]

Searches with the validation photos of the data set in use, by the pretrained backbone's embeddings and by those of the
model in use: among one another, among the photos that were learnt from, and, of those whose path has TEXT in it, among
the pack shots, as in a shop. Embeddings as they are, and their principal components, whitened more or less; all of it
fitted on photos that were learnt from.

Prints recall at 1, 5, 10 and mAP@R; the last line is JSON.

Shapes: N photos, D numbers an embedding, P of a projected one.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.metrics.retrieval import RetrievalScores, gallery_scores, retrieval_scores
from snapshelf.settings import load_settings
from snapshelf.training.backbones import BUNDLED, load_backbone
from snapshelf.training.device import reuse_freed_memory
from snapshelf.training.features import FeatureCache
from snapshelf.training.inference import look_at

Embeddings = NDArray[np.float32]
CONFIG = "config.toml"
WAYS = [(dim, power) for dim in (64, 128, 256) for power in (0.0, 0.25, 0.5)]


def main() -> None:
    """Measure, print the table, and all of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", nargs="?", type=Path)
    parser.add_argument("--pack-shots", default="")
    arguments = parser.parse_args()
    if not arguments.store:
        parser.exit(message="Skipped: name a store with a prepared data set and a trained model.\n")
    reuse_freed_memory()
    torch.set_num_threads(load_settings().num_threads)
    store = Store(arguments.store)
    dataset = Dataset(store.current("datasets"))
    train, validation = dataset.rows("train"), dataset.rows("validation")
    is_pack_shot_T = pack_shots(dataset, train, arguments.pack_shots)
    label_N = dataset.class_indices()
    found = {}
    print(f"{'':40}{'among one another':^32}{'among photos learnt from':^32}{'among pack shots':^32}")
    for name, embedding_ND in (("pretrained", pretrained(dataset)), ("fine-tuned", fine_tuned(store, dataset))):
        learnt_ND, query_ND = embedding_ND[train], embedding_ND[validation]
        for words, change in ways(learnt_ND).items():
            gallery_NP, query_NP = change(learnt_ND), change(query_ND)
            scores = [retrieval_scores(query_NP, label_N[validation])]
            for part_T in (~is_pack_shot_T, is_pack_shot_T):
                of_gallery = label_N[train][part_T]
                scores.append(gallery_scores(query_NP, label_N[validation], gallery_NP[part_T], of_gallery))
            found[f"{name}, {words}"] = [numbers(each) for each in scores]
            print(f"{name + ', ' + words:40}" + "".join(f"{shown(each):^32}" for each in scores), flush=True)
    print(json.dumps(found))


def pretrained(dataset: Dataset) -> Embeddings:
    """Of every photo, by the bundled backbone as it comes."""
    photos = dataset.photos()
    backbone = load_backbone(BUNDLED, 0, size_px=photos.shape[1])
    return unit(np.asarray(FeatureCache(dataset.features_folder, dataset.sha256()).features(backbone, photos)))


def fine_tuned(store: Store, dataset: Dataset) -> Embeddings:
    """Of every photo, by the network of the model in use, before any projection."""
    folder = store.current("models")
    card = ModelCard.read(folder)
    photos = dataset.photos()
    backbone = load_backbone(
        card.backbone, len(card.labels), size_px=photos.shape[1], weights=str(folder / "checkpoint.safetensors")
    )
    # As the model looks: `best` takes the mean of a photo and its mirror image.
    backbone.network.both_sides = tomllib.loads((folder / CONFIG).read_text("utf-8"))["both_sides"]
    return look_at(backbone, photos, np.arange(len(photos))).embedding_ND


def pack_shots(dataset: Dataset, rows: NDArray[np.int64], text: str) -> NDArray[np.bool_]:
    """Which of the photos are pack shots; none where no text is given."""
    paths = dataset.paths
    return np.array([bool(text) and text in paths[row] for row in rows])


def ways(learnt_ND: Embeddings) -> dict[str, Callable[[Embeddings], Embeddings]]:
    """What can be made of embeddings: nothing, or principal components divided by a power of their spread."""
    mean_D = learnt_ND.mean(axis=0)
    _, spread_K, directions_KD = np.linalg.svd(learnt_ND - mean_D, full_matrices=False)
    spread_K = spread_K / np.sqrt(len(learnt_ND))

    def projected(dim: int, power: float) -> Callable[[Embeddings], Embeddings]:
        weights_DP = directions_KD[:dim].T / spread_K[:dim] ** power
        return lambda embedding_ND: unit((embedding_ND - mean_D) @ weights_DP)

    made: dict[str, Callable[[Embeddings], Embeddings]] = {"as it is": lambda embedding_ND: embedding_ND}
    return made | {f"{dim} numbers, whitened {power:g}": projected(dim, power) for dim, power in WAYS}


def unit(embedding_ND: NDArray[np.floating]) -> Embeddings:
    """At length 1."""
    length_N1 = np.linalg.norm(embedding_ND, axis=1, keepdims=True)
    unit_ND: Embeddings = (embedding_ND / np.maximum(length_N1, 1e-9)).astype(np.float32)
    return unit_ND


def numbers(scores: RetrievalScores | None) -> list[float]:
    """Recall at 1, 5, 10 and mAP@R."""
    if scores is None:
        return []
    return [round(each, 4) for each in (scores.recall_at_1, scores.recall_at_5, scores.recall_at_10, scores.map_at_r)]


def shown(scores: RetrievalScores | None) -> str:
    """The same in words."""
    return " ".join(f"{each:.3f}" for each in numbers(scores))


if __name__ == "__main__":
    main()
