from __future__ import annotations

from pathlib import Path

import pytest

from snapshelf.config import SupercategoriesConfig
from snapshelf.data.supercategories import supercategories_of
from snapshelf.errors import SourceError

LABELS = ["Gala", "Granny Smith", "Leek"]


def written(folder: Path, text: str) -> SupercategoriesConfig:
    (folder / "classes.csv").write_text(text, "utf-8")
    return SupercategoriesConfig(table="classes.csv")


def test_without_a_table_nothing_is_known(tmp_path: Path) -> None:
    assert supercategories_of(LABELS, SupercategoriesConfig(), tmp_path) == []


def test_each_label_gets_its_own_and_one_that_is_missing_is_its_own(tmp_path: Path) -> None:
    config = written(tmp_path, "supercategory,category,note\nApple,Granny Smith,\nApple,Gala,\nApple,Pink Lady,\n")
    assert supercategories_of(LABELS, config, tmp_path) == ["Apple", "Apple", "Leek"]


def test_the_columns_may_have_other_names(tmp_path: Path) -> None:
    written(tmp_path, "Class Name (str),Coarse Class Name (str)\nGala,Apple\n")
    config = SupercategoriesConfig(
        table="classes.csv", category="Class Name (str)", supercategory="Coarse Class Name (str)"
    )
    assert supercategories_of(["Gala"], config, tmp_path) == ["Apple"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("category,kind\nGala,Apple\n", r"no column 'supercategory'; it has category, kind\. Say which"),
        ("category,supercategory\nGala,Apple\nGala,Pear\n", r"row 3 puts 'Gala' under 'Pear', an earlier row under"),
        ("category,supercategory\nGala,\n", r"row 2: supercategory is empty"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        supercategories_of(LABELS, written(tmp_path, text), tmp_path)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"classes\.csv is not there"):
        supercategories_of(LABELS, SupercategoriesConfig(table="classes.csv"), tmp_path)
