"""`Encoder` over OpenVINO, which is quicker than ONNX Runtime on many processors; needs the extra `[openvino]`.

Shapes: N photos, S pixels a side, 3 channels.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.adapters.quiet_openvino import ov
from snapshelf.errors import ConfigError


class OpenvinoEncoder(ModelEncoder):
    """A model folder, opened for looking at photos on `num_threads` cores.

    A photo that is alone is looked at by all of them, several photos each by one: the model is in memory for both.
    """

    engine = f"openvino {ov.__version__.partition('-')[0]}"

    def __init__(self, folder: Path, *, num_threads: int, side_by_side: bool = False, half: bool = False) -> None:
        """See `ModelEncoder`. `side_by_side` is for many photos at once, none of them ever alone.

        `half` computes in bfloat16, with 8 significant bits: twice as fast where the processor has instructions for it,
        with nearly the same answers.

        Raises:
            ConfigError: OpenVINO has no way to run this model.
        """
        super().__init__(folder)
        self.runs_on = "openvino-bf16" if half else "openvino"
        size_px = self.preprocess.size_px
        core = ov.Core()
        try:
            model = core.read_model(self._path)
            # One photo at a time: what is between its layers stays in the cores' caches, and a batch is no quicker.
            model.reshape({model.input(0): [1, size_px, size_px, 3]})
        except RuntimeError as error:
            raise ConfigError(
                f"OpenVINO cannot run {self._path}. Set SNAPSHELF_ENGINE=onnxruntime. It said: {error}"
            ) from error

        def on_cores(num_streams: int) -> _Compiled:
            options = {
                "NUM_STREAMS": num_streams,
                "INFERENCE_NUM_THREADS": num_threads,
                "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
                "ENABLE_CPU_PINNING": False,  # several processes would sit on the same cores
            }
            compiled = _Compiled(core.compile_model(model, "CPU", options), list(self._outputs))
            # Two threads that are the first to bring a photo wait for each other for ever, one with Python's lock and
            # one with C++'s (openvino 2026.4).
            compiled.look_at(np.zeros((size_px, size_px, 3), np.uint8))
            return compiled

        self._beside = on_cores(num_threads)
        self._alone = self._beside if side_by_side or num_threads == 1 else on_cores(1)
        self._lock = threading.Lock()
        self._num_looking = 0

    def _run(self, photos_NSSC: NDArray[np.uint8]) -> Iterator[list[NDArray[np.float32]]]:
        with self._fitting() as compiled:
            for photo_SSC in photos_NSSC:
                yield compiled.look_at(photo_SSC)

    @contextlib.contextmanager
    def _fitting(self) -> Iterator[_Compiled]:
        with self._lock:
            self._num_looking += 1
            is_alone = self._num_looking == 1
        try:
            yield self._alone if is_alone else self._beside
        finally:
            with self._lock:
                self._num_looking -= 1


class _Compiled:
    """The model, made ready for some cores. Any number of threads may look at once."""

    def __init__(self, model: ov.CompiledModel, outputs: list[str]) -> None:
        self._model = model
        self._outputs = [model.output(name) for name in outputs]
        self._idle: deque[ov.InferRequest] = deque()

    def look_at(self, photo_SSC: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """The outputs for one photo, (1, …) each."""
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._model.create_infer_request()
        found = request.infer([photo_SSC[None]], share_inputs=True)
        self._idle.append(request)
        return [found[output] for output in self._outputs]
