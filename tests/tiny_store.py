"""A store in miniature that is real all through: an ONNX model, a Qdrant Edge index, thumbnails, samples.

Its model knows three categories by their colour. It is written node by node, so that no training and no torch is
needed, and it answers in a millisecond.

Shapes: N photos, S pixels a side, C = 3 categories, D = 3 numbers an embedding.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from snapshelf.adapters.model_encoder import MODEL_FILE
from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.artifacts.cards import ModelCard, Verdicts
from snapshelf.artifacts.publish import sha256_file
from snapshelf.artifacts.store import Store
from snapshelf.exports.half_weights import halve_weights
from snapshelf.exports.recipe import recipe_of
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.pipelines.index import index

COLOURS = {"blue thing": (40, 60, 200), "green thing": (40, 170, 60), "red thing": (200, 50, 40)}
SIZE_PX = 16
_SHARPNESS = 8.0
"""Makes the probabilities of clear colours clear."""


def photo(colour: tuple[int, int, int], number: int = 0, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """A picture mostly of one colour; another one for each number."""
    random = np.random.default_rng([number, *colour])
    shade_HWC = random.integers(-25, 26, (size[1], size[0], 3)) + random.integers(-20, 21, 3)
    return Image.fromarray(np.clip(shade_HWC + colour, 0, 255).astype(np.uint8))


def photo_bytes(colour: tuple[int, int, int], number: int = 0, format_name: str = "PNG") -> bytes:
    """The same as a file."""
    buffer = io.BytesIO()
    photo(colour, number).save(buffer, format_name)
    return buffer.getvalue()


def write_model(folder: Path, model_id: str = "tiny-1", *, with_labels: bool = True) -> ModelCard:
    """Write `model.onnx`, its card and three samples into a model's folder."""
    folder.mkdir(parents=True)
    onnx.save(_network(with_labels=with_labels), folder / MODEL_FILE)
    card = ModelCard(
        id=model_id,
        backbone="mean-colour",
        recipe="quick" if with_labels else "pretrained",
        weights="none",
        dataset_id=None,
        seed=0,
        labels=list(COLOURS) if with_labels else [],
        preprocess=Preprocess(size_px=SIZE_PX),
        mean=(127.5, 127.5, 127.5),
        std=(127.5, 127.5, 127.5),
        embedding_dim=3,
        verdicts=Verdicts(confident=0.9, likely=0.6, unknown_below=3.0 if with_labels else None),
        onnx_sha256=sha256_file(folder / MODEL_FILE),
        export_max_probability_difference=0.0,
        validation={"accuracy": 1.0, "macro_f1": 1.0},
    )
    card.write(folder)
    (folder / "samples").mkdir()
    for number, colour in enumerate(COLOURS.values() if with_labels else ()):
        photo(colour, 1000 + number).save(folder / "samples" / f"{number:02}-{number}.png")
    return card


def write_catalogue(folder: Path, num_products: int = 12) -> Path:
    """A CSV of products in turn blue, green and red, with their photos beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["id,title,category,price,currency,in_stock,url,image,brand"]
    for number in range(num_products):
        label, colour = list(COLOURS.items())[number % 3]
        photo(colour, number).save(folder / f"{number}.png")
        rows.append(
            f"p{number:02},{label.title()} {number},{label},{10 + number},EUR,{'true' if number % 2 == 0 else 'false'},"
            f"https://shop.example/p{number:02},{number}.png,Acme"
        )
    table = folder / "catalogue.csv"
    table.write_text("\n".join(rows) + "\n", "utf-8")
    return table


def build_tiny_store(root: Path, *, with_labels: bool = True) -> Store:
    """A whole store: a model in use, and an index of twelve products."""
    store = Store(root / "store")
    card = write_model(store.folder("models", "tiny-1"), with_labels=with_labels)
    store.use("models", card.id)
    encoder = OnnxEncoder(store.current("models"), num_threads=1)
    index(
        store,
        encoder,
        card,
        str(write_catalogue(root / "catalogue")),
        format="auto",
        split=None,
        replace=False,
        remove=[],
        limits=DecodeLimits(),
        num_workers=1,
    )
    return store


def export_for_devices(store: Store) -> Path:
    """As `snapshelf export --to web` of the model in use, without the data set that it compares on; its folder."""
    model = store.current("models")
    folder = store.export_folder(model.name, "web")
    folder.mkdir(parents=True)
    halve_weights(model / MODEL_FILE, folder / MODEL_FILE)
    recipe = recipe_of(ModelCard.read(model), "none")
    (folder / "recipe.json").write_text(json.dumps(recipe), "utf-8")
    return folder


def _network(*, with_labels: bool) -> onnx.ModelProto:
    """Mean colour, centred and normalised, is the embedding; its likeness to each category's colour is the logit, the
    largest of these the familiarity."""
    colours_CD = np.array(list(COLOURS.values()), np.float32) - 127.5
    prototypes_CD = colours_CD / np.linalg.norm(colours_CD, axis=1, keepdims=True)
    weights_DC = _SHARPNESS * prototypes_CD.T if with_labels else np.zeros((3, 0), np.float32)
    nodes = [
        helper.make_node("Cast", ["photos"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "pixel_axes"], ["mean_colour"], keepdims=0),
        helper.make_node("Sub", ["mean_colour", "grey"], ["centred"]),
        helper.make_node("LpNormalization", ["centred"], ["embedding"], axis=-1, p=2),
        helper.make_node("MatMul", ["embedding", "weights"], ["logits"]),
    ]
    outputs: dict[str, list[str | int | None]] = {"logits": ["N", weights_DC.shape[1]], "embedding": ["N", 3]}
    if with_labels:
        nodes.append(helper.make_node("ReduceMax", ["logits", "class_axis"], ["familiarity"], keepdims=0))
        outputs["familiarity"] = ["N"]
    graph = helper.make_graph(
        nodes,
        "mean-colour",
        [helper.make_tensor_value_info("photos", TensorProto.UINT8, ["N", SIZE_PX, SIZE_PX, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [
            numpy_helper.from_array(np.array([1, 2], np.int64), "pixel_axes"),
            numpy_helper.from_array(np.array([1], np.int64), "class_axis"),
            numpy_helper.from_array(np.array(127.5, np.float32), "grey"),
            numpy_helper.from_array(weights_DC.astype(np.float32), "weights"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
