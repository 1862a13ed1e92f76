"""Open Images as it is downloaded and as it breaks. Rows as in the tables of V4 to V7."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshelf.data.sources import open_source
from snapshelf.data.sources.open_images import OpenImagesSource, recognise_open_images
from snapshelf.data.sources.options import SourceOptions
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Box, Photo, Rejected

A, B, C = "000002b66c9c498e", "000002b97e5471a0", "000002c707c9895e"
BOXES_V4 = (
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
)
BOXES_V6 = f"{BOXES_V4},XClick1X,XClick2X,XClick3X,XClick4X,XClick1Y,XClick2Y,XClick3Y,XClick4Y"
LABELS = "ImageID,Source,LabelName,Confidence"
NAMES = ["/m/01g317,Person", "/m/0cmf2,Airplane", '/m/03hgsf0,"Lemon, lime and bitters"']
NAMES_V6 = ["LabelName,DisplayName", *NAMES]
CLICKS = "0.148438,0.012500,0.059375,0.195312,0.148438,0.357812,0.587500,0.325000"


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"bytes of " + path.name.encode())


def rows(root: Path, padding: float = 0.0, min_confidence: float = 0.5) -> list[Photo | Rejected]:
    return list(OpenImagesSource(root, padding, min_confidence).rows())


def photos(root: Path, padding: float = 0.0, min_confidence: float = 0.5) -> list[Photo]:
    return [row for row in rows(root, padding, min_confidence) if isinstance(row, Photo)]


def reasons(root: Path) -> dict[str, str]:
    return {row.path: row.reason for row in rows(root) if isinstance(row, Rejected)}


def boxed(root: Path, *lines: str, heading: str = BOXES_V4) -> Path:
    """A source with a training photo, a good box of it, and other rows."""
    touch(root / "train" / f"{A}.jpg")
    write(root / "class-descriptions-boxable.csv", *NAMES)
    good = f"{A},xclick,/m/0cmf2,1,0,1,0,1,0,0,0,0,0"
    write(root / "train-annotations-bbox.csv", heading, good, *lines)
    return root


def labelled(root: Path, human: list[str], machine: list[str]) -> Path:
    """A source with two validation photos, and labels for whole photos."""
    touch(root / "validation" / f"{A}.jpg", root / "validation" / f"{B}.jpg")
    write(root / "oidv7-class-descriptions.csv", *NAMES_V6)
    write(root / "oidv7-val-annotations-human-imagelabels.csv", LABELS, *human)
    write(root / "validation-annotations-machine-imagelabels.csv", LABELS, *machine)
    return root


def test_boxes_of_v6_with_clicks_and_splits_by_the_files_names(tmp_path: Path) -> None:
    touch(tmp_path / "train" / f"{A}.jpg", tmp_path / "validation" / f"{B}.jpg", tmp_path / "test" / f"{C}.jpg")
    write(tmp_path / "oidv7-class-descriptions-boxable.csv", *NAMES_V6)
    row = f"{A},xclick,/m/01g317,1,0.25,0.75,0.5,0.75,0,1,0,0,0,{CLICKS}"
    write(tmp_path / "oidv6-train-annotations-bbox.csv", BOXES_V6, row)
    for split, image_id in (("validation", B), ("test", C)):
        write(tmp_path / f"{split}-annotations-bbox.csv", BOXES_V4, f"{image_id},xclick,/m/0cmf2,1,0,1,0,1,1,0,0,0,0")
    whole = Box(0, 0, 1, 1)
    files = [f"train/{A}.jpg", f"validation/{B}.jpg", f"test/{C}.jpg"]
    assert rows(tmp_path) == [
        Photo(f"{files[0]}#2", "Person", "train", file=files[0], box=Box(0.25, 0.5, 0.5, 0.25)),
        Photo(f"{files[1]}#2", "Airplane", "validation", file=files[1], box=whole),
        Photo(f"{files[2]}#2", "Airplane", "test", file=files[2], box=whole),
    ]
    assert "oidv6-train-annotations-bbox.csv" in (recognise_open_images(tmp_path) or "")


@pytest.mark.parametrize("column", ["IsGroupOf", "IsDepiction", "IsInside"])
def test_groups_depictions_and_insides_are_left_out(tmp_path: Path, column: str) -> None:
    flags = {"IsOccluded": 1, "IsTruncated": 1, "IsGroupOf": -1, "IsDepiction": -1, "IsInside": -1, column: 1}
    out = f"{A},xclick,/m/0cmf2,1,0,0.5,0,1," + ",".join(str(flag) for flag in flags.values())
    kept = f"{A},xclick,/m/0cmf2,1,0,0.5,0,1,1,1,-1,-1,0"
    assert [row.path for row in rows(boxed(tmp_path, out, kept))] == [f"train/{A}.jpg#2", f"train/{A}.jpg#4"]


def test_padding_is_a_fraction_of_the_box_and_ends_at_the_photos_edges(tmp_path: Path) -> None:
    inside = f"{A},xclick,/m/0cmf2,1,0.25,0.75,0.5,0.75,0,0,0,0,0"
    beyond = f"{A},xclick,/m/0cmf2,1,-0.1,0.5,0.5,1.1,0,0,0,0,0"
    found = photos(boxed(tmp_path, inside, beyond), padding=0.5)
    assert [photo.box for photo in found[1:]] == [Box(0, 0.375, 1, 0.5), Box(0, 0.25, 0.75, 0.75)]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (f"{A},xclick,/m/0cmf2,1,0.5,0.5,0,1,0,0,0,0,0", "empty"),
        (f"{A},xclick,/m/0cmf2,1,1.5,1.7,0,1,0,0,0,0,0", "outside"),
        (f"{A},xclick,/m/0cmf2,1,left,1,0,1,0,0,0,0,0", "XMin is 'left'"),
        (f"{A},xclick,/m/0cmf2,1,0,nan,0,1,0,0,0,0,0", "XMax is 'nan'"),
        (f"{A},xclick,/m/0cmf2,sure,0,1,0,1,0,0,0,0,0", "Confidence is 'sure'"),
        (f"{A},xclick,,1,0,1,0,1,0,0,0,0,0", "LabelName is empty"),
        (",xclick,/m/0cmf2,1,0,1,0,1,0,0,0,0,0", "ImageID is empty"),
        (f"{A},xclick,/m/0cmf2,1", "cells"),
        ("../../outside,xclick,/m/0cmf2,1,0,1,0,1,0,0,0,0,0", "leaves the source's folder"),
        (f"{'x' * 5000},xclick,/m/0cmf2,1,0,1,0,1,0,0,0,0,0", "cannot be the name"),
    ],
)
def test_a_bad_row_is_named_and_the_good_kept(tmp_path: Path, bad: str, words: str) -> None:
    touch(tmp_path / "outside.jpg")
    source = boxed(tmp_path / "source", bad)
    assert [photo.path for photo in photos(source)] == [f"train/{A}.jpg#2"]
    assert list(reasons(source)) == ["train-annotations-bbox.csv row 3"]
    assert words in reasons(source)["train-annotations-bbox.csv row 3"]


def test_photos_not_downloaded_are_counted_once_a_split(tmp_path: Path) -> None:
    others = [f"{image_id},xclick,/m/0cmf2,1,0,1,0,1,0,0,0,0,0" for image_id in (B, B, C)]
    found = reasons(boxed(tmp_path, *others))
    assert list(found) == ["train-annotations-bbox.csv"]
    assert f"3 rows are of photos that are not there, such as {B}.jpg" in found["train-annotations-bbox.csv"]


def test_the_newest_table_of_boxes_is_taken_not_both(tmp_path: Path) -> None:
    source = boxed(tmp_path)
    write(source / "oidv6-train-annotations-bbox.csv", BOXES_V4, f"{A},xclick,/m/01g317,1,0,1,0,1,0,0,0,0,0")
    assert [photo.label for photo in photos(source)] == ["Person"]


@pytest.mark.parametrize("place", ["train/data", "images/train", "images", "."])
def test_where_photos_may_lie(tmp_path: Path, place: str) -> None:
    source = boxed(tmp_path)
    (source / "train" / f"{A}.jpg").unlink()
    touch(source / place / f"{A}.jpg")
    assert [photo.source_file for photo in photos(source)] == [f"{place}/{A}.jpg".removeprefix("./")]


def test_fiftyones_layout(tmp_path: Path) -> None:
    touch(tmp_path / "train" / "data" / f"{A}.jpg")
    write(tmp_path / "train" / "metadata" / "classes.csv", *NAMES)
    write(tmp_path / "train" / "labels" / "detections.csv", BOXES_V4, f"{A},xclick,/m/0cmf2,1,0,1,0,1,0,0,0,0,0")
    assert [(photo.label, photo.split) for photo in photos(tmp_path)] == [("Airplane", "train")]
    assert recognise_open_images(tmp_path)


def test_one_verified_label_wins_over_any_of_machines(tmp_path: Path) -> None:
    human = [f"{A},verification,/m/0cmf2,1", f"{A},verification,/m/01g317,0"]
    machine = [f"{A},machine,/m/01g317,0.9", f"{A},machine,/m/03hgsf0,0.9", f"{B},machine,/m/03hgsf0,0.7"]
    assert rows(labelled(tmp_path, human, machine)) == [
        Photo(f"validation/{A}.jpg", "Airplane", "validation"),
        Photo(f"validation/{B}.jpg", "Lemon, lime and bitters", "validation"),
    ]


def test_a_label_that_people_denied_is_not_taken_from_machines(tmp_path: Path) -> None:
    human = [f"{A},verification,/m/0cmf2,0"]
    machine = [f"{A},machine,/m/0cmf2,0.9", f"{A},machine,/m/01g317,0.6"]
    assert [photo.label for photo in photos(labelled(tmp_path, human, machine), min_confidence=0.0)] == ["Person"]


def test_the_highest_confidence_is_taken_also_where_rows_are_apart(tmp_path: Path) -> None:
    machine = [f"{A},machine,/m/01g317,0.6", f"{B},machine,/m/0cmf2,0.6", f"{A},machine,/m/0cmf2,0.9"]
    assert [photo.label for photo in photos(labelled(tmp_path, [], machine))] == ["Airplane", "Airplane"]


def test_several_labels_of_the_highest_confidence_are_rejected_by_name(tmp_path: Path) -> None:
    human = [
        f"{A},verification,/m/0cmf2,1",
        f"{A},crowdsource-verification,/m/01g317,1",
        f"{B},verification,/m/0cmf2,1",
    ]
    source = labelled(tmp_path, human, [])
    assert [photo.path for photo in photos(source)] == [f"validation/{B}.jpg"]
    assert "Airplane, Person, all with confidence 1" in reasons(source)[f"validation/{A}.jpg"]


def test_labels_below_the_least_confidence_are_left_out(tmp_path: Path) -> None:
    machine = [f"{A},machine,/m/0cmf2,0.4", f"{B},machine,/m/0cmf2,0.5"]
    source = labelled(tmp_path, [], machine)
    assert [photo.path for photo in photos(source)] == [f"validation/{B}.jpg"]
    assert "min_confidence" in reasons(source)[f"validation/{A}.jpg"]


def test_a_label_without_a_name_keeps_its_mid(tmp_path: Path) -> None:
    machine = [f"{A},machine,/m/0unknown,0.9"]
    assert [photo.label for photo in photos(labelled(tmp_path, [], machine))] == ["/m/0unknown"]


def test_a_table_without_its_columns_is_named(tmp_path: Path) -> None:
    source = boxed(tmp_path)
    write(source / "test-annotations-bbox.csv", "ImageID,LabelName,XMin", f"{A},/m/0cmf2,0")
    assert "no column XMax, YMin, YMax" in reasons(source)["test-annotations-bbox.csv"]


def test_nothing_that_can_be_used_says_why(tmp_path: Path) -> None:
    source = boxed(tmp_path)
    (source / "train" / f"{A}.jpg").unlink()
    with pytest.raises(SourceError, match=r"Found 0 photos .* 1 rows are of photos that are not there"):
        rows(source)


def test_other_folders_are_not_open_images(tmp_path: Path) -> None:
    write(tmp_path / "detections.csv", "file,label", "a.jpg,hat")
    write(tmp_path / "class-descriptions.csv", *NAMES)
    assert recognise_open_images(tmp_path) is None
    assert recognise_open_images(tmp_path / "detections.csv") is None
    (tmp_path / "detections.csv").unlink()
    with pytest.raises(SourceError, match="no tables of Open Images"):
        OpenImagesSource(tmp_path, 0.0, 0.5)


def test_links_out_of_the_source_are_not_followed(tmp_path: Path) -> None:
    touch(tmp_path / f"{B}.jpg")
    source = boxed(tmp_path / "source", f"{B},xclick,/m/0cmf2,1,0,1,0,1,0,0,0,0,0")
    (source / "train" / f"{B}.jpg").symlink_to(tmp_path / f"{B}.jpg")
    assert "leaves the source" in reasons(source)["train-annotations-bbox.csv row 3"]
    with pytest.raises(PhotoError, match="leaves the source"):
        OpenImagesSource(source, 0.0, 0.5).read("../secret.jpg")


def test_read_and_stamp_take_the_photos_file(tmp_path: Path) -> None:
    source = OpenImagesSource(boxed(tmp_path), 0.0, 0.5)
    file = f"train/{A}.jpg"
    assert source.read(file) == f"bytes of {A}.jpg".encode()
    before = source.stamp(file)
    (tmp_path / file).write_bytes(b"another picture")
    assert source.stamp(file) != before


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all the wild tables."""
    return boxed(tmp_path_factory.mktemp("open_images"))


CELL = st.sampled_from([A, B, "/m/0cmf2", "1", "0", "-1", "0.5", "1e300", "inf", "", '"', "../x", "\udcff"]) | st.text(
    max_size=4
)


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(st.lists(CELL, min_size=1, max_size=14).map(",".join), max_size=5))
def test_wild_rows_are_rejected_in_words(folder: Path, lines: list[str]) -> None:
    content = "\n".join([BOXES_V4, f"{A},xclick,/m/0cmf2,1,0,1,0,1,0,0,0,0,0", *lines])
    (folder / "train-annotations-bbox.csv").write_bytes(content.encode(errors="surrogateescape"))
    for row in rows(folder, padding=0.1):
        row.path.encode()
        box = row.box if isinstance(row, Photo) else Box(0, 0, 1, 1)
        assert box is not None
        assert 0 <= box.x < 1
        assert 0 < box.w <= 1 - box.x + 1e-9


def test_open_source_takes_open_images_with_the_stores_confidence(tmp_path: Path) -> None:
    root = labelled(tmp_path, [], [f"{A},machine,/m/0cmf2,0.7", f"{B},machine,/m/0cmf2,0.9"])
    source, reason = open_source(str(root), "auto", SourceOptions(tmp_path, min_confidence=0.8))
    assert "as open-images: it is a folder with a table of Open Images" in reason
    assert [row.path for row in source.rows() if isinstance(row, Photo)] == [f"validation/{B}.jpg"]
