"""A training's settings and scores, told to an MLflow server, where one is named; needs the extra `[mlflow]`."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from snapshelf.errors import ConfigError
from snapshelf.pipelines.publish_model import TrainResult
from snapshelf.progress import console
from snapshelf.training.model_folder import CONFIG, HISTORY


class MlflowTracker:
    """An MLflow server, or a database that MLflow can write to."""

    def __init__(self, uri: str) -> None:
        """Open it before anything was trained, so that a training is not in vain.

        Raises:
            ConfigError: MLflow is not installed, or the address is none.
        """
        # MLflow counts its users by itself, unless it is told not to before it is imported.
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        try:
            from mlflow import MlflowClient  # noqa: PLC0415 (an extra)
            from mlflow.exceptions import MlflowException  # noqa: PLC0415
        except ModuleNotFoundError:
            raise ConfigError(
                "SNAPSHELF_MLFLOW_URI is set, but MLflow is not installed. Run: pip install 'snapshelf[mlflow]'"
            ) from None
        self._uri, self._error = uri, MlflowException
        try:
            self._client = MlflowClient(tracking_uri=uri)
        except MlflowException as error:
            raise ConfigError(f"SNAPSHELF_MLFLOW_URI is {uri}, which MLflow does not take: {error}") from error

    def tell(self, result: TrainResult, experiment: str) -> None:
        """A run of this experiment, which is made if need be. The model is there already: a server that does not answer
        costs a line of words."""
        try:
            self._tell(result, experiment)
        except self._error as error:
            console.print(
                f"MLflow at {self._uri} was not told of {result.model_id}: {error}", markup=False, style="yellow"
            )
        else:
            console.print(f"MLflow at {self._uri} was told, as {result.model_id} of «{experiment}»", markup=False)

    def _tell(self, result: TrainResult, experiment: str) -> None:
        client, card = self._client, result.card
        known = client.get_experiment_by_name(experiment)
        experiment_id = known.experiment_id if known else client.create_experiment(experiment)
        tags = {"onnx_sha256": card.onnx_sha256, "dataset_id": str(card.dataset_id), "git_commit": str(card.git_commit)}
        run_id = client.create_run(experiment_id, run_name=result.model_id, tags=tags).info.run_id
        config = tomllib.loads((result.folder / CONFIG).read_text("utf-8"))
        for name, value in _flat(config):
            client.log_param(run_id, name, value)
        for step, epoch in enumerate(_history(result), 1):
            for name, number in epoch.items():
                client.log_metric(run_id, name, number, step=step)
        for part, scores in {"validation": card.validation, "training": card.training}.items():
            for name, number in scores.items():
                client.log_metric(run_id, f"{part}.{name}", number)
        client.set_terminated(run_id)


def _flat(config: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, value


def _history(result: TrainResult) -> list[dict[str, float]]:
    """An entry an epoch; none where a head alone was fitted."""
    path = result.folder / HISTORY
    epochs: list[dict[str, float]] = json.loads(path.read_text("utf-8"))["epochs"] if path.exists() else []
    return epochs
