"""COCO as it is downloaded, as other programs write it, and as it breaks. Field for field as in instances_val2017."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshelf.data.sources import open_source
from snapshelf.data.sources.coco import CocoSource, recognise_coco
from snapshelf.data.sources.options import SourceOptions
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Box, Photo, Rejected

Json = dict[str, object]
CATEGORIES: list[Json] = [
    {"supercategory": "person", "id": 1, "name": "person"},
    {"supercategory": "kitchen", "id": 90, "name": "toothbrush"},
]


def image(number: int, name: str | None = None, **other: object) -> Json:
    return {
        "license": 4,
        "file_name": name or f"{number:012}.jpg",
        "coco_url": f"http://images.cocodataset.org/val2017/{number:012}.jpg",
        "height": 100,
        "width": 200,
        "date_captured": "2013-11-14 17:02:52",
        "flickr_url": "http://farm7.staticflickr.com/6116/6255196340_da26cf2c9e_z.jpg",
        "id": number,
        **other,
    }


def annotation(number: int, image_id: object, bbox: object, category: object = 1, **other: object) -> Json:
    return {
        "segmentation": [[10.5, 20.0, 30.0, 20.0, 30.0, 40.0]],
        "area": 702.1,
        "iscrowd": 0,
        "image_id": image_id,
        "bbox": bbox,
        "category_id": category,
        "id": number,
        **other,
    }


def write(path: Path, images: object, annotations: object, categories: object = CATEGORIES) -> Path:
    """An annotation file with its lists in COCO's order: categories last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {"info": {"year": 2017, "version": "1.0"}, "images": images, "licenses": [{"id": 4, "name": "BY"}]}
    path.write_text(json.dumps({**parts, "annotations": annotations, "categories": categories}), "utf-8")
    return path


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"bytes of " + path.name.encode())


def photos(path: Path, padding: float = 0.0) -> list[Photo]:
    return [row for row in CocoSource(path, padding).rows() if isinstance(row, Photo)]


def reasons(path: Path) -> dict[str, str]:
    return {row.path: row.reason for row in CocoSource(path, 0.0).rows() if isinstance(row, Rejected)}


def one(tmp_path: Path, *annotations: Json, images: object = None, categories: object = CATEGORIES) -> Path:
    """A source with one photo of 200 × 100 px, one box that is good, and others."""
    touch(tmp_path / "images" / "a.jpg")
    good = annotation(900, 1, [0, 0, 200, 100])
    return write(tmp_path / "instances.json", images or [image(1, "a.jpg")], [good, *annotations], categories).parent


@pytest.mark.parametrize("photo_folder", ["train2017", "images/train2017", "images"])
def test_the_layout_of_the_download(tmp_path: Path, photo_folder: str) -> None:
    write(tmp_path / "annotations" / "instances_train2017.json", [image(7)], [annotation(5, 7, [50, 25, 100, 50], 90)])
    write(tmp_path / "annotations" / "instances_val2017.json", [image(8)], [annotation(6, 8, [0, 0, 20.0, 10.0])])
    train, val = f"{photo_folder}/000000000007.jpg", "val2017/000000000008.jpg"
    touch(tmp_path / train, tmp_path / val)
    assert photos(tmp_path) == [
        Photo(f"{train}#5", "toothbrush", "train", file=train, box=Box(0.25, 0.25, 0.5, 0.5)),
        Photo(f"{val}#6", "person", "validation", file=val, box=Box(0, 0, 0.1, 0.1)),
    ]
    assert recognise_coco(tmp_path) == "it is a folder with COCO annotations in annotations/instances_train2017.json"


def test_a_name_in_two_split_folders_is_that_of_the_files_own_split(tmp_path: Path) -> None:
    for split in ("train", "val"):
        write(tmp_path / "annotations" / f"instances_{split}.json", [image(1)], [annotation(1, 1, [0, 0, 9, 9])])
        touch(tmp_path / "images" / split / "000000000001.jpg")
    files = [photo.file for photo in photos(tmp_path)]
    assert files == ["images/train/000000000001.jpg", "images/val/000000000001.jpg"]


def test_roboflows_layout(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        write(tmp_path / split / "_annotations.coco.json", [image(0, "a.jpg")], [annotation(0, 0, [0, 0, 9, 9])])
        touch(tmp_path / split / "a.jpg")
    found = {photo.path: photo.split for photo in photos(tmp_path)}
    assert found == {"test/a.jpg#0": "test", "train/a.jpg#0": "train", "valid/a.jpg#0": "validation"}
    assert "COCO" in (recognise_coco(tmp_path) or "")


def test_one_annotation_file_as_the_source(tmp_path: Path) -> None:
    path = write(tmp_path / "annotations" / "instances_val2017.json", [image(8)], [annotation(6, 8, [0, 0, 20, 10])])
    touch(tmp_path / "val2017" / "000000000008.jpg")
    assert [(photo.file, photo.split) for photo in photos(path)] == [("val2017/000000000008.jpg", "validation")]
    assert "JSON file" in (recognise_coco(path) or "")


def test_one_annotation_file_beside_its_photos_has_no_split(tmp_path: Path) -> None:
    folder = tmp_path / "test"
    touch(folder / "a.jpg")
    path = write(folder / "_annotations.coco.json", [image(1, "a.jpg")], [annotation(6, 1, [0, 0, 20, 10])])
    assert [(photo.file, photo.split) for photo in photos(path)] == [("a.jpg", None)]


def test_keypoints_and_captions_do_not_double_the_boxes(tmp_path: Path) -> None:
    for name in ("instances_val2017", "person_keypoints_val2017", "captions_val2017"):
        write(tmp_path / "annotations" / f"{name}.json", [image(8)], [annotation(6, 8, [0, 0, 20, 10])])
    touch(tmp_path / "val2017" / "000000000008.jpg")
    assert len(photos(tmp_path)) == 1


def test_crowds_are_left_out_and_not_listed(tmp_path: Path) -> None:
    crowd = annotation(1, 1, [0, 0, 9, 9], iscrowd=1, segmentation={"counts": [272, 2], "size": [100, 200]})
    rows = list(CocoSource(one(tmp_path, crowd), 0.0).rows())
    assert [row.path for row in rows] == ["images/a.jpg#900"]


@pytest.mark.parametrize(
    ("bbox", "box"),
    [
        ([50, 25, 100, 50], Box(0.125, 0.125, 0.75, 0.75)),
        ([0, 0, 100, 100], Box(0, 0, 0.625, 1)),
        ([150, 0, 100, 300], Box(0.6875, 0, 0.3125, 1)),
        ([-50, -50, 150, 100], Box(0, 0, 0.625, 0.625)),
    ],
)
def test_padding_is_a_fraction_of_the_box_and_ends_at_the_photos_edges(
    tmp_path: Path, bbox: list[int], box: Box
) -> None:
    found = photos(one(tmp_path, annotation(1, 1, bbox)), padding=0.25)
    assert {photo.path: photo.box for photo in found}["images/a.jpg#1"] == box


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (annotation(1, 1, [10, 10, 0, 5]), "0 × 5 px"),
        (annotation(1, 1, [10, 10, 20, -5]), "20 × -5 px"),
        (annotation(1, 1, [300, 10, 20, 20]), "lies outside images/a.jpg, which has 200 × 100 px"),
        (annotation(1, 1, []), "expected x, y, width and height"),
        (annotation(1, 1, [1, 2, 3, 4, 5, 6]), "expected x, y, width and height"),
        (annotation(1, 1, [1, 2, "3", 4]), "expected x, y, width and height"),
        (annotation(1, 1, [1, 2, [3], 4]), "expected x, y, width and height"),
        (annotation(1, 1, None), "expected x, y, width and height"),
        (annotation(1, 99, [0, 0, 9, 9]), "image_id is 99"),
        (annotation(1, None, [0, 0, 9, 9]), "image_id is None"),
        (annotation(1, 1, [0, 0, 9, 9], category=2), "category_id is 2"),
        (annotation(1, 1, [0, 0, 9, 9], category={"id": 1}), "category_id is None"),
    ],
)
def test_a_bad_annotation_is_named_and_the_good_kept(tmp_path: Path, bad: Json, words: str) -> None:
    source = one(tmp_path, bad)
    assert [photo.path for photo in photos(source)] == ["images/a.jpg#900"]
    assert list(reasons(source)) == ["instances.json annotation 1"]
    assert words in reasons(source)["instances.json annotation 1"]


def test_ids_as_other_programs_write_them(tmp_path: Path) -> None:
    texts = annotation(1, "1", [0, 0, 9, 9], category=90.0)
    without = {name: value for name, value in annotation(0, 1, [0, 0, 9, 9]).items() if name != "id"}
    found = {photo.path: photo.label for photo in photos(one(tmp_path, texts, without))}
    assert found == {
        "images/a.jpg#900": "person",
        "images/a.jpg#1": "toothbrush",
        "images/a.jpg#number 3": "person",
    }


def test_what_is_no_object_is_passed_over_or_named(tmp_path: Path) -> None:
    good = annotation(1, 1, [0, 0, 9, 9])
    touch(tmp_path / "a.jpg")
    write(tmp_path / "x.json", [image(1, "a.jpg"), 7], [3, [[1]], "text", good], [*CATEGORIES, None, {"id": 5}])
    assert [photo.path for photo in photos(tmp_path)] == ["a.jpg#1"]
    assert len(reasons(tmp_path)) == 1 + 3 + 2


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (image(2, "b.jpg"), "b.jpg"),
        (image(2, "a.jpg", width=None), "None × 100"),
        (image(2, "a.jpg", height="high"), "200 × 'high'"),
        (image(2, "a.jpg", width=0), "0 × 100"),
        (image(2, " "), "no file_name"),
        (image(2, file_name=5), "no file_name"),
        (image(2, "../../outside.jpg"), "leaves the source's folder"),
        (image(2, "x" * 5000), "cannot be the name"),
        (image(2, "nul\0.jpg"), "not there"),
        (image(2, id=None), "id is None"),
        (image(1, "a.jpg"), "id 1 is that of an image above"),
    ],
)
def test_a_bad_image_is_named_once_and_its_boxes_left_out(tmp_path: Path, bad: Json, words: str) -> None:
    touch(tmp_path / "outside.jpg")
    boxes = [annotation(number, 2, [0, 0, 9, 9]) for number in (1, 2)] if bad["id"] == 2 else []
    source = one(tmp_path / "source", *boxes, images=[image(1, "a.jpg"), bad])
    assert [photo.path for photo in photos(source)] == ["images/a.jpg#900"]
    ((path, reason),) = reasons(source).items()
    assert words in f"{path} {reason}"


def test_many_missing_photos_are_counted(tmp_path: Path) -> None:
    images = [image(1, "a.jpg"), *(image(number) for number in range(2, 203))]
    rejected = reasons(one(tmp_path, images=images))
    assert list(rejected) == ["instances.json"]
    assert "201 of its photos are not there, such as '000000000002.jpg'; looked in" in rejected["instances.json"]


def test_names_with_folders_in_them_also_from_windows(tmp_path: Path) -> None:
    touch(tmp_path / "images" / "summer" / "b.jpg", tmp_path / "images" / "a.jpg")
    images = [image(1, "./images/a.jpg"), image(2, "summer\\b.jpg")]
    write(tmp_path / "labels.json", images, [annotation(1, 1, [0, 0, 9, 9]), annotation(2, 2, [0, 0, 9, 9])])
    assert [photo.file for photo in photos(tmp_path)] == ["images/a.jpg", "images/summer/b.jpg"]


def test_links_out_of_the_source_are_not_followed(tmp_path: Path) -> None:
    touch(tmp_path / "secret.jpg")
    source = one(tmp_path / "source", images=[image(1, "a.jpg"), image(2, "b.jpg")])
    (source / "images" / "b.jpg").symlink_to(tmp_path / "secret.jpg")
    assert ["leaves the source" in reason for reason in reasons(source).values()] == [True]
    with pytest.raises(PhotoError, match="leaves the source"):
        CocoSource(source, 0.0).read("../secret.jpg")


def test_read_and_stamp_take_the_photos_file(tmp_path: Path) -> None:
    root = one(tmp_path)
    source = CocoSource(root, 0.0)
    (photo,) = photos(root)
    assert source.read(photo.source_file) == b"bytes of a.jpg"
    before = source.stamp(photo.source_file)
    (root / "images" / "a.jpg").write_bytes(b"another picture")
    assert source.stamp(photo.source_file) != before


def test_annotations_before_images_and_a_byte_order_mark(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    parts = {
        "annotations": [annotation(1, 1, [0, 0, 9, 9])],
        "categories": CATEGORIES,
        "images": [image(1, "a.jpg")],
    }
    (tmp_path / "export.json").write_text(json.dumps(parts), "utf-8-sig")
    assert recognise_coco(tmp_path)
    assert [photo.path for photo in photos(tmp_path)] == ["a.jpg#1"]


def test_a_file_that_is_cut_off_keeps_what_came_before(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    parts = {
        "images": [image(1, "a.jpg")],
        "categories": CATEGORIES,
        "annotations": [annotation(number, 1, [0, 0, 9, 9]) for number in range(3)],
    }
    content = json.dumps(parts)
    (tmp_path / "export.json").write_text(content[: content.rindex('"segmentation"')], "utf-8")
    assert [photo.path for photo in photos(tmp_path)] == ["a.jpg#0", "a.jpg#1"]
    assert "not valid JSON" in reasons(tmp_path)["export.json"]


def test_without_categories_it_is_said_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"Found 0 photos .* instances\.json: it has no categories"):
        list(CocoSource(one(tmp_path, categories=[]), 0.0).rows())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1, 2]",
        b"nonsense",
        b'{"images": {"a": 1}}',
        b'{"images": [{"src": "a.png"}]}',
        b'{"LabelName": "/m/0bl9f", "Subcategory": [{"LabelName": "/m/0242l"}]}',
        b"[" * 200_000,
        b'{"images": [{"id": "' + b"\xff" * 10 + b'"}]}',
    ],
)
def test_other_json_is_not_taken_for_coco(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.json").write_bytes(content)
    assert recognise_coco(tmp_path) is None
    assert recognise_coco(tmp_path / "other.json") is None
    with pytest.raises(SourceError, match="no COCO annotations"):
        CocoSource(tmp_path, 0.0)
    with pytest.raises(SourceError, match="Found 0 photos"):
        list(CocoSource(tmp_path / "other.json", 0.0).rows())


def test_a_folder_with_a_json_file_a_photo_is_not_coco(tmp_path: Path) -> None:
    for number in range(51):
        write(tmp_path / f"{number}.json", [image(1)], [])
    assert recognise_coco(tmp_path) is None


def test_deep_json_takes_no_more_memory(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    deep = "[" * 100_000 + "]" * 100_000
    good = json.dumps(annotation(1, 1, [0, 0, 9, 9]))
    content = f'{{"images": [{json.dumps(image(1, "a.jpg"))}], "x": {deep}, "annotations": [{{"x": {deep}}}, {good}], '
    (tmp_path / "x.json").write_text(f'{content}"categories": {json.dumps(CATEGORIES)}}}', "utf-8")
    assert [photo.path for photo in photos(tmp_path)] == ["a.jpg#1"]


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["id", "bbox", "x"]), inner),
    max_leaves=8,
)
WILD_ANNOTATIONS = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "image_id", "category_id", "bbox", "iscrowd"), WILD)),
    max_size=4,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all the wild files."""
    return one(tmp_path_factory.mktemp("coco"))


@settings(max_examples=60, deadline=None)
@given(annotations=WILD_ANNOTATIONS, images=st.lists(WILD, max_size=3), categories=st.lists(WILD, max_size=3))
def test_wild_values_are_rejected_in_words(
    folder: Path, annotations: list[Json], images: list[object], categories: list[object]
) -> None:
    good = annotation(900, 1, [0, 0, 200, 100])
    parts = [image(1, "a.jpg"), *images], [good, *annotations], [*CATEGORIES, *categories]
    write(folder / "instances.json", *parts)
    rows: list[Photo | Rejected] = []
    with contextlib.suppress(SourceError):  # NaN and numbers beyond 64 bits are no JSON that can be read on
        rows += CocoSource(folder, 0.1).rows()
    for row in rows:
        box = row.box if isinstance(row, Photo) else Box(0, 0, 1, 1)
        assert box is not None
        assert 0 <= box.x < 1
        assert 0 < box.w <= 1 - box.x + 1e-9


def test_open_source_takes_coco_with_the_stores_padding(tmp_path: Path) -> None:
    root = one(tmp_path, annotation(1, 1, [50, 25, 100, 50]))
    source, reason = open_source(str(root), "auto", SourceOptions(tmp_path, box_padding=0.5))
    assert "as coco: it is a folder with COCO annotations in instances.json" in reason
    assert [row.box for row in source.rows() if isinstance(row, Photo)] == [Box(0, 0, 1, 1)] * 2
