"""The cards: `card.json` in every artefact says what it is and what it was made from.

A card of a newer schema is refused, and so is one whose artefact an older snapshelf made in a way that is no longer
read, or one that is not whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from snapshelf import __version__
from snapshelf.artifacts.publish import git_commit, write_atomic
from snapshelf.errors import ArtifactMismatchError, ArtifactMissingError
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.types import Verdict

SCHEMA_VERSION = 1
INDEX_SCHEMA_VERSION = 2
"""Since 2, one photo of each product leads, and the index has words: older ones are built anew."""

FILE_NAME = "card.json"

ADDED = "added"
"""The recipe of a model that was trained elsewhere."""


class Card(BaseModel):
    """What every card says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    remedy: ClassVar[str]
    """The command that makes such an artefact anew."""

    newest_schema: ClassVar[int] = SCHEMA_VERSION
    oldest_schema: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    id: str
    created_at: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """UTC, ISO 8601."""
    snapshelf_version: str = __version__
    git_commit: str | None = Field(default_factory=git_commit)

    def write(self, folder: Path) -> None:
        """Write `card.json` into an artefact's folder."""
        write_atomic(folder / FILE_NAME, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read `card.json` of an artefact's folder.

        Raises:
            ArtifactMissingError: there is no card.
            ArtifactMismatchError: it is broken, or of a schema that is not read here.
        """
        path = folder / FILE_NAME
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            raise ArtifactMissingError(f"{path} is missing. Make the artefact again: {cls.remedy}") from None
        try:
            found = SchemaOnly.model_validate_json(text).schema_version
            if found > cls.newest_schema:
                raise ArtifactMismatchError(
                    f"{path} has schema {found}; this snapshelf {__version__} reads up to {cls.newest_schema}. "
                    f"Use a newer snapshelf, or make the artefact again: {cls.remedy}"
                )
            if found < cls.oldest_schema:
                raise ArtifactMismatchError(
                    f"{path} has schema {found}; this snapshelf {__version__} reads from {cls.oldest_schema} on. "
                    f"Make the artefact again: {cls.remedy}"
                )
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "the file"
            raise ArtifactMismatchError(
                f"{path} cannot be used: {key}: {first['msg'].lower()}. Make the artefact again: {cls.remedy}"
            ) from None


class SchemaOnly(BaseModel):
    """The one key that every version of every card has."""

    schema_version: int


class DatasetCard(Card):
    """A prepared data set."""

    remedy: ClassVar[str] = "snapshelf prepare SOURCE --store DIR"

    kind: Literal["dataset"] = "dataset"
    source: str
    """What was given to `prepare`."""
    format: str
    manifest_sha256: str
    num_photos: int
    labels: list[str]
    """The categories; their order is the order of a model's logits."""
    preprocess: Preprocess
    """How the photos in `photos.npy` were prepared."""


class Verdicts(BaseModel):
    """When a prediction is called what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    confident: float
    """From this calibrated probability on."""
    likely: float
    """From this calibrated probability on; below it the verdict is `unsure`."""
    promised: dict[Verdict, float] = Field(default_factory=dict)
    """The share of such answers that is right, at least: on validation photos the probabilities above keep to it.
    Empty where nothing was trained."""
    unknown_below: float | None = None
    """A familiarity below this one means that the photo shows none of the categories."""
    unsure_below: float | None = None
    """Below this one nothing is called more than `unsure`, however probable it is."""


class Looks(BaseModel):
    """From which cosine similarity on a look is called what. Each model spreads its cosines in its own way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    very_similar: float = 0.9
    """As near as a photo's nearest one of the same category typically is."""
    similar: float = 0.75
    """As near as two photos of the same category typically are."""
    somewhat_similar: float = 0.5
    """Halfway from there to how near two photos of different categories typically are."""


class ModelCard(Card):
    """A trained model, or a pretrained one that knows no categories yet."""

    remedy: ClassVar[str] = "snapshelf train --store DIR"

    kind: Literal["model"] = "model"
    backbone: str
    recipe: str
    """`pretrained` where nothing was trained, `added` where it was trained elsewhere."""
    weights: str
    """Where the weights started: a package and version, a file's name with its sha256, or `none`. Of a model that was
    trained elsewhere, the file that was added."""
    dataset_id: str | None
    """What it was trained on or, where it was trained elsewhere, calibrated on."""
    seed: int
    labels: list[str]
    """Empty for a pretrained backbone."""
    supercategories: list[str] = Field(default_factory=list)
    """What each label belongs to, in their order; empty where the store does not say."""
    preprocess: Preprocess
    mean: tuple[float, float, float]
    """Subtracted from each channel, 0 to 255, inside the model."""
    std: tuple[float, float, float]
    """Then divided by, inside the model."""
    embedding_dim: int
    temperature: float = 1.0
    """Logits are divided by it before the softmax, so that probabilities are calibrated."""
    verdicts: Verdicts
    familiarity: Literal["output", "largest-logit"] = "output"
    """What says how much a photo looks like what the model knows: an output of `model.onnx`, or, in models of before
    25 November 2026, the largest logit."""
    looks: Looks = Looks()
    """Measured on validation photos; the defaults where nothing was trained."""
    onnx_sha256: str
    export_max_probability_difference: float
    """The largest difference of a probability, of a number of the embedding or of the familiarity between the trained
    network and `model.onnx`, on real photos."""
    validation: dict[str, float] = Field(default_factory=dict)
    """`accuracy`, `macro_f1`, `ece` and `num_photos` on the validation split."""
    training: dict[str, float] = Field(default_factory=dict)
    """`seconds`, `epochs` and what else the recipe counts."""

    @model_validator(mode="before")
    @classmethod
    def _read_older(cls, said: Any) -> Any:  # noqa: ANN401 (what a file holds)
        """A card of before 25 November 2026 names the logit below which a photo shows none of the categories."""
        match said:
            case {"verdicts": {"unknown_below_logit": limit, **verdicts}}:
                return {**said, "verdicts": {**verdicts, "unknown_below": limit}, "familiarity": "largest-logit"}
        return said


class IndexCard(Card):
    """An index of a catalogue's photos."""

    remedy: ClassVar[str] = "snapshelf index CATALOGUE --store DIR --replace"
    newest_schema: ClassVar[int] = INDEX_SCHEMA_VERSION
    oldest_schema: ClassVar[int] = INDEX_SCHEMA_VERSION

    kind: Literal["index"] = "index"
    schema_version: int = INDEX_SCHEMA_VERSION
    model_id: str
    """The model that made the embeddings."""
    embedding_dim: int
    engine: str
    """`qdrant-edge` or `qdrant-client`, and its version."""
    collection: str | None = None
    """The collection's name on a Qdrant server; None where the index is in the folder itself."""
    catalogue: str
    """What was given to `index` last."""


class TogetherCard(Card):
    """Which products are bought together, learnt from a table of orders."""

    remedy: ClassVar[str] = "snapshelf orders ORDERS --store DIR"

    kind: Literal["together"] = "together"
    orders: str
    """What was given to `orders`."""
    orders_sha256: str
    partners_sha256: str
    """Of `partners.parquet`."""
    method: str
    """How products are ranked: `lift`, `cosine`, `count` or `npmi`."""
    num_orders: int
    """Orders that count, those of a single product among them."""
    num_products: int
    """Products in these orders."""
    num_pairs: int
    """Pairs that are kept, each in both directions."""
    counts: dict[str, int]
    """What was read and left out: `rows`, `rejected`, `returned`, `single`, `large`."""
    validation: dict[str, float] = Field(default_factory=dict)
    """`hit_rate_at_10`, `mrr` and `num_orders` on held-out orders; empty where there were too few."""
