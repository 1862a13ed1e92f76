"""A model's card for tests, over `MeanColour`."""

from __future__ import annotations

from snapshelf.artifacts.cards import ModelCard, Verdicts
from tests.mean_colour import MeanColour

VERDICTS = Verdicts(confident=0.9, likely=0.6)


def card(labels: list[str]) -> ModelCard:
    return ModelCard(
        id="m",
        backbone="mean-colour",
        recipe="quick",
        weights="none",
        dataset_id=None,
        seed=0,
        labels=labels,
        preprocess=MeanColour.preprocess,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        embedding_dim=3,
        verdicts=VERDICTS,
        onnx_sha256="",
        export_max_probability_difference=0,
    )
