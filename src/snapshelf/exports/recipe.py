"""Everything that an app must know beside the model itself: what goes in, what comes out, what it means.

It lies beside every exported model as `recipe.json`, and inside it as far as the form has a place for it.
"""

from __future__ import annotations

from typing import Any

from snapshelf.artifacts.cards import ModelCard

Recipe = dict[str, Any]
"""As JSON has it."""

RECIPE_VERSION = 1
INPUT = "photos"


def recipe_of(card: ModelCard, quantize: str) -> Recipe:
    """Of a model in integers or not. Shapes are those of one photo."""
    size_px, num_labels = card.preprocess.size_px, len(card.labels)
    says_unknown = "below unknown_below: none of the categories"
    logits_mean = "softmax(logits / temperature) are probabilities, as the labels"
    if card.labels and card.familiarity == "largest-logit":
        logits_mean += f"; the largest one {says_unknown}"
    outputs = {
        "logits": {"shape": [1, num_labels], "means": logits_mean},
        "embedding": {"shape": [1, card.embedding_dim], "means": "of length 1; the cosine tells how alike photos are"},
    }
    if card.labels and card.familiarity == "output":
        outputs["familiarity"] = {"shape": [1], "means": says_unknown}
    return {
        "version": RECIPE_VERSION,
        "model_id": card.id,
        "quantize": quantize,
        "input": {
            "name": INPUT,
            "shape": [1, size_px, size_px, 3],
            "type": "uint8",
            "channels": "RGB, 0 to 255, the model normalises them itself",
            "fit": card.preprocess.fit,
            "resize": "with antialiasing; Pillow's HAMMING with reducing_gap=1.0 gives the same pixels",
        },
        "outputs": outputs,
        "labels": list(card.labels),
        "temperature": card.temperature,
        "verdicts": card.verdicts.model_dump(mode="json"),
    }
