"""The store folder: what lies where, and which of several is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from snapshelf.artifacts.cards import FILE_NAME as CARD_NAME
from snapshelf.artifacts.cards import DatasetCard, IndexCard, ModelCard, TogetherCard
from snapshelf.artifacts.publish import write_atomic
from snapshelf.config import FILE_NAME as CONFIG_NAME
from snapshelf.config import StoreConfig, load_config
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError

Kind = Literal["datasets", "models", "index", "together"]
_REMEDIES = {
    "datasets": DatasetCard.remedy,
    "models": ModelCard.remedy,
    "index": IndexCard.remedy,
    "together": TogetherCard.remedy,
}
_NAMES = {"datasets": "prepared data set", "models": "model", "index": "index", "together": "orders"}


class Store:
    """One store on disk. Making the object touches nothing.

    Artefacts are folders named by their id. For each kind a file `current` names the one in use.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config_path = root / CONFIG_NAME
        self.feedback_path = root / "feedback.sqlite"
        self.changes_path = root / "changes.sqlite"
        self.downloads = root / "downloads"

    def config(self) -> StoreConfig:
        """What `snapshelf.toml` says."""
        return load_config(self.config_path)

    def folder(self, kind: Kind, artifact_id: str) -> Path:
        """Where an artefact lies, or would lie."""
        return self.root / kind / artifact_id

    def export_folder(self, model_id: str, form: str) -> Path:
        """Where `export` writes a model in a form, unless it is told another place."""
        return self.root / "exports" / f"{model_id}-{form}"

    def ids(self, kind: Kind) -> list[str]:
        """The ids that are there, oldest first."""
        found = [path.parent for path in (self.root / kind).glob(f"[!.]*/{CARD_NAME}")]
        return [path.name for path in sorted(found, key=lambda path: path.stat().st_mtime)]

    def existing(self, kind: Kind, artifact_id: str) -> Path:
        """The folder of an artefact that is there.

        Raises:
            ArtifactMissingError: there is none of that id; names those that are there.
        """
        if artifact_id not in self.ids(kind):
            there = ", ".join(self.ids(kind)) or "none"
            raise ArtifactMissingError(f"{self.root} has no {artifact_id!r} among its {kind} ({there}).")
        return self.folder(kind, artifact_id)

    def use(self, kind: Kind, artifact_id: str) -> None:
        """Make an artefact the one in use, at once and wholly.

        Raises:
            ArtifactMissingError: there is none of that id; names those that are there.
        """
        self.existing(kind, artifact_id)
        write_atomic(self.root / kind / "current", artifact_id + "\n")

    def current(self, kind: Kind) -> Path:
        """The folder of the artefact in use.

        Raises:
            ArtifactMissingError: nothing was made yet, or what `current` names is gone.
        """
        pointer = self.root / kind / "current"
        if not pointer.exists():
            raise ArtifactMissingError(f"The store {self.root} has no {_NAMES[kind]} yet. Run: {self._remedy(kind)}")
        artifact_id = pointer.read_text("utf-8").strip()
        if artifact_id not in self.ids(kind):
            raise ArtifactMissingError(
                f"{pointer} names {artifact_id!r}, which is not there. Run: {self._remedy(kind)}"
            )
        return self.folder(kind, artifact_id)

    def has_current(self, kind: Kind) -> bool:
        """Whether an artefact of this kind is in use."""
        return (self.root / kind / "current").exists()

    def uses_another(self, kind: Kind, artifact_id: str) -> bool:
        """Whether an artefact of this kind is in use, and not the one of this id."""
        return self.has_current(kind) and self.current(kind).name != artifact_id

    def in_use(self) -> tuple[str, str]:
        """The ids of the model and of the index in use, whether or not they are there and fit.

        Raises:
            OSError: there is none.
        """
        model_id, index_id = ((self.root / kind / "current").read_text("utf-8").strip() for kind in ("models", "index"))
        return model_id, index_id

    def check_index_fits(self, index: IndexCard, model: ModelCard) -> None:
        """Refuse an index whose embeddings another model made.

        Raises:
            ArtifactMismatchError: naming both models and the commands that mend it.
        """
        if index.model_id != model.id:
            raise ArtifactMismatchError(
                f"The index {index.id} was made by the model {index.model_id}, but the model in use is {model.id}. "
                f"Build the index anew: {self._remedy('index')}, or go back: "
                f"snapshelf models use {index.model_id} --store {self.root}"
            )

    def _remedy(self, kind: Kind) -> str:
        return _REMEDIES[kind].replace("DIR", str(self.root))
