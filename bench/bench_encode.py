"""How long does a model look at a photo, by engine, precision and batch?

    python bench/bench_encode.py [--store STORE] [--rounds N]

ONNX Runtime and OpenVINO on all cores, in fp32, bf16 (OpenVINO alone) and int8 (as `snapshelf export --quantize int8`
makes it), one photo, 8 and 32 at once: milliseconds a photo, the median of rounds in which all take turns, and how many
times ONNX Runtime in fp32 with the same number of photos takes. With what the engine gives a photo beside that: the
share of photos with the same label, the accuracy on validation photos, the mean cosine between its embedding and that
of ONNX Runtime in fp32.

`--store` is a store with a data set and a model trained on it. Without it, a pretrained EfficientNet-Lite0 looks at
drawn pictures, which tells the times alone. The last line is JSON.

Shapes: N photos, S pixels a side, 3 channels.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from snapshelf.adapters.model_encoder import MODEL_FILE
from snapshelf.adapters.quiet_openvino import ov
from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.exports.quantized import quantize_int8
from snapshelf.pipelines.train import publish_pretrained

BATCHES = (1, 8, 32)
CORES = len(os.sched_getaffinity(0))
NUM_CALIBRATION = 100

Look = Callable[[NDArray[np.uint8]], list[NDArray[np.float32]]]


def on_onnxruntime(model: Path) -> Look:
    """Looks at photos (N, S, S, 3)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = CORES
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as the server has it
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda photos_NSSC: list(session.run(["logits", "embedding"], {"photos": photos_NSSC}))


def on_openvino(model: Path, size_px: int, num: int, precision: str) -> Look:
    """Looks at so many photos at once."""
    read = ov.Core().read_model(model)
    read.reshape({read.input(0): [num, size_px, size_px, 3]})
    options = {
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": CORES,
        "INFERENCE_PRECISION_HINT": precision,
        "ENABLE_CPU_PINNING": False,
    }
    compiled = ov.Core().compile_model(read, "CPU", options)
    request, ports = compiled.create_infer_request(), [compiled.output(name) for name in ("logits", "embedding")]

    def look(photos_NSSC: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        found = request.infer([photos_NSSC], share_inputs=True)
        return [found[port] for port in ports]

    return look


def ways(fp32: Path, int8: Path, size_px: int, num: int) -> dict[str, Look]:
    """ONNX Runtime in fp32 first."""
    return {
        "onnxruntime fp32": on_onnxruntime(fp32),
        "onnxruntime int8": on_onnxruntime(int8),
        "openvino fp32": on_openvino(fp32, size_px, num, "f32"),
        "openvino bf16": on_openvino(fp32, size_px, num, "bf16"),
        "openvino int8": on_openvino(int8, size_px, num, "f32"),
    }


def timed(looks: dict[str, Look], photos_NSSC: NDArray[np.uint8], rounds: int) -> dict[str, float]:
    """Milliseconds a photo."""
    taken: dict[str, list[float]] = {name: [] for name in looks}
    for look in looks.values():
        look(photos_NSSC)
    for _ in range(rounds):
        for name, look in looks.items():
            for _ in range(2):  # the first brings its own into the caches
                started = time.perf_counter()
                look(photos_NSSC)
                seconds = time.perf_counter() - started
            taken[name].append(1000 * seconds / len(photos_NSSC))
    return {name: statistics.median(values) for name, values in taken.items()}


def answers(look: Look, photos_NSSC: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Logits and embeddings of photos, which are shown one by one."""
    each = [look(photo_SSC[None]) for photo_SSC in photos_NSSC]
    return [np.concatenate(parts) for parts in zip(*each, strict=True)]


def beside(looks: dict[str, Look], photos_NSSC: NDArray[np.uint8], class_N: NDArray[np.int64]) -> dict[str, Any]:
    """What each says of validation photos, beside the first."""
    found: dict[str, Any] = {}
    usual: list[NDArray[np.float32]] = []
    for name, look in looks.items():
        said = answers(look, photos_NSSC)
        usual = usual or said
        found[name] = {
            "same_label": float((said[0].argmax(1) == usual[0].argmax(1)).mean()),
            "accuracy": float((said[0].argmax(1) == class_N).mean()),
            "cosine": float((said[1] * usual[1]).sum(axis=1).mean()),
        }
    return found


def photos_of(store: Store | None, size_px: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Photos to calibrate on, and to look at; the classes of the latter, none for drawn ones."""
    if store is None:
        drawn_NSSC = np.random.default_rng(0).integers(0, 256, (NUM_CALIBRATION, size_px, size_px, 3), dtype=np.uint8)
        return drawn_NSSC, drawn_NSSC, np.empty(0, np.int64)
    dataset = Dataset(store.current("datasets"))
    train_N = np.random.default_rng(0).permutation(dataset.rows("train"))[:NUM_CALIBRATION]
    validation_N = dataset.rows("validation")
    return (
        dataset.photos()[np.sort(train_N)],
        dataset.photos()[validation_N],
        dataset.class_indices()[validation_N],
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        store = Store(options.store) if options.store else None
        if store is None:
            publish_pretrained(Store(Path(work) / "store"), "tf_efficientnet_lite0")
        folder = (store or Store(Path(work) / "store")).current("models")
        size_px = ModelCard.read(folder).preprocess.size_px
        calibration_NSSC, photos_NSSC, class_N = photos_of(store, size_px)
        fp32, int8 = folder / MODEL_FILE, Path(work) / "int8.onnx"
        quantize_int8(fp32, int8, calibration_NSSC)
        result: dict[str, Any] = {"model": folder.name, "size_px": size_px, "cores": CORES, "ms": {}}
        print(f"{folder.name}, {size_px} pixels, {CORES} cores: milliseconds a photo (times ONNX Runtime in fp32)")
        for num in BATCHES:
            looks = ways(fp32, int8, size_px, num)
            ms = result["ms"][num] = timed(looks, photos_NSSC[:num], max(3, options.rounds // num))
            usual = ms["onnxruntime fp32"]
            print(
                f"  {num:2} at once: "
                + "   ".join(f"{name} {each:.2f} ({each / usual:.2f})" for name, each in ms.items())
            )
            if num == 1 and len(class_N):
                result["beside"] = beside(looks, photos_NSSC, class_N)
        for name, each in result.get("beside", {}).items():
            print(
                f"  {name}: same label {each['same_label']:.1%}, accuracy {each['accuracy']:.4f} on {len(class_N)} "
                f"validation photos, embeddings {each['cosine']:.4f} alike"
            )
    print(json.dumps(result, default=lambda value: round(value, 3)))


if __name__ == "__main__":
    main()
