"""`snapshelf.toml`: what a store is. Unknown keys are refused, with the nearest known one."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snapshelf.errors import ConfigError
from snapshelf.imaging.preprocess import Fit

FILE_NAME = "snapshelf.toml"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PageConfig(_Section):
    """How the customers' page looks."""

    accent: str = Field(default="#0b6e4f", pattern=r"^#[0-9a-fA-F]{6}$")
    """The one colour of buttons and links, as #rrggbb."""


class PrepareConfig(_Section):
    """How photos are prepared."""

    fit: Fit = "squash"
    """How a photo becomes a square: `squash`, `pad` (with white) or `crop` (the middle)."""

    box_padding: float = Field(default=0.0, ge=0, le=2)
    """Where boxes say what is a photo (COCO, Open Images): added around each, in fractions of its width and height."""

    min_confidence: float = Field(default=0.5, ge=0, le=1)
    """Labels that a source gives with a lower confidence (Open Images) are left out."""

    allowed_hosts: list[str] = Field(default_factory=list)
    """Hosts that photos may be fetched from although they are on a private network: `["images.intranet"]`."""


class TrainConfig(_Section):
    """How the store's model is trained when the command line does not say otherwise."""

    recipe: Literal["quick", "balanced", "best"] = "quick"
    """`quick` fits a new head on a frozen backbone; the others train the whole network."""

    backbone: str = "auto"
    """Any timm name, or `seed-cnn`, `compact` or `mini-resnet` for photos of about 28 to 32 px. `auto` is
    tf_efficientnet_lite0, and for such small photos `compact` or, with the longer recipes, `mini-resnet`."""

    seed: int = Field(default=0, ge=0)
    """Where every random choice starts."""


class SupercategoriesConfig(_Section):
    """What categories belong to: a table with a row for each category."""

    table: str = ""
    """CSV, TSV, Parquet or JSON Lines, told from the store's folder; without one, nothing is known."""

    category: str = "category"
    """The column that names the category, as the photos' labels do."""

    supercategory: str = "supercategory"
    """The column that says what it belongs to."""


class VerdictConfig(_Section):
    """What the words promise: of the answers that are called so, at least this share is right. Between 0 and 1.

    Training finds, on validation photos, from which calibrated probability on a word keeps its promise.
    """

    confident: float = Field(default=0.95, gt=0, lt=1)
    likely: float = Field(default=0.75, gt=0, lt=1)


class QdrantConfig(_Section):
    """How an index lies on a Qdrant cluster; without a server there is one shard, in the store's folder."""

    shards: int = Field(default=1, ge=1)
    """Parts of an index, spread over the machines."""

    replicas: int = Field(default=1, ge=1)
    """Machines that each have a copy of a part."""


class StoreConfig(_Section):
    """The whole file."""

    name: str = Field(default="My store", min_length=1, max_length=80)
    """What customers read at the top of the page."""

    page: PageConfig = PageConfig()
    prepare: PrepareConfig = PrepareConfig()
    train: TrainConfig = TrainConfig()
    supercategories: SupercategoriesConfig = SupercategoriesConfig()
    verdict: VerdictConfig = VerdictConfig()
    qdrant: QdrantConfig = QdrantConfig()

    catalogue_columns: dict[str, str] = Field(default_factory=dict)
    """Names of columns in the catalogue's table where they differ: `price = "Preis"`."""

    order_columns: dict[str, str] = Field(default_factory=dict)
    """Names of columns in the table of orders where they differ: `order_id = "Bestellung"`."""


TEMPLATE = """\
# What this store is. Every line may be left out; what stands here is the default.

name = "{name}"                       # what customers read at the top of the page

[page]
accent = "#0b6e4f"                    # the one colour of buttons and links

[prepare]
fit = "squash"                        # how a photo becomes a square: squash, pad (with white) or crop (the middle)
box_padding = 0.0                     # COCO, Open Images: room around each box, in fractions of its width and height
min_confidence = 0.5                  # Open Images: labels below this confidence are left out
allowed_hosts = []                    # hosts on a private network that photos may be fetched from

[train]
recipe = "quick"                      # quick: a new head on a frozen backbone; balanced, best: the whole network
backbone = "auto"                     # any timm name; auto is tf_efficientnet_lite0, or compact and mini-resnet for
                                      # photos of about 28 to 32 px
seed = 0

[supercategories]                     # what categories belong to, such as «Apple» for «Granny Smith»: scored too
table = ""                            # a table with a row for each category, told from this folder
category = "category"                 # its columns
supercategory = "supercategory"

[verdict]                             # what these words promise: the share of such answers that is right, at least
confident = 0.95
likely = 0.75

[qdrant]                              # on a Qdrant cluster (SNAPSHELF_QDRANT_URL), of indexes built from now on
shards = 1                            # parts of an index, spread over the machines
replicas = 1                          # machines that each have a copy of a part

[catalogue_columns]                   # where your table's names differ from id, title, category, price, currency,
                                      # in_stock, url and image, for example: price = "Preis"

[order_columns]                       # the same for a table of orders: order_id, product_id, quantity, ordered_at
"""


def load_config(path: Path) -> StoreConfig:
    """Read a store's `snapshelf.toml`; a missing file is all defaults.

    Raises:
        ConfigError: naming the file, the key, what it holds and what it should.
    """
    if not path.exists():
        return StoreConfig()
    try:
        return StoreConfig.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None
    except ValidationError as error:
        raise ConfigError(f"{path}: {_in_words(error)}") from None


def _in_words(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{key} is {first['input']!r}: {first['msg'].lower()}."
    near = difflib.get_close_matches(key, _known_keys(), n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else f" Known keys: {', '.join(_known_keys())}."
    return f"unknown key {key}.{hint}"


def _known_keys() -> list[str]:
    keys: list[str] = []
    for name, field in StoreConfig.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, _Section):
            keys += [f"{name}.{inner}" for inner in section.model_fields]
        else:
            keys.append(name)
    return keys
