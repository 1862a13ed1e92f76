"""`prepare` from a folder to a data set: whole, the same every time, bad files do not stop it, nor interruptions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from snapshelf.artifacts.cards import DatasetCard
from snapshelf.artifacts.store import Store
from snapshelf.data.dataset import Dataset
from snapshelf.data.listing import Listing
from snapshelf.data.sources import Source
from snapshelf.data.sources.folder import FolderSource
from snapshelf.errors import ConfigError, SourceError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.imaging.preprocess import Preprocess
from snapshelf.pipelines.checks import Checks
from snapshelf.pipelines.prepare import PrepareResult, prepare
from snapshelf.training import features

SHARED = Path(__file__).parents[3] / "shared" / "datasets"


QUICK = Checks(with_network=False)


def prepared(store: Store, source: Path | str, **options: Any) -> PrepareResult:
    wanted = {"size_px": 32, "checks": QUICK, **options}
    return prepare(store, str(source), limits=DecodeLimits(), num_threads=2, **wanted)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """`pictures/<class>/<number>.png`: 25 of each class, of shapes that tell them apart, no two alike."""
    root = tmp_path / "pictures"
    for label, colour, ground in (("cap", (40, 60, 200), (90, 110, 90)), ("hat", (200, 60, 40), (235, 235, 230))):
        (root / label).mkdir(parents=True)
        for number in range(25):
            picture = Image.new("RGB", (96, 96), ground)
            draw = ImageDraw.Draw(picture)
            random = np.random.default_rng([number, len(label), colour[0]])
            for _ in range(14):
                x, y, w, h = random.integers(0, 80, 2).tolist() + random.integers(6, 40, 2).tolist()
                shade = tuple(int(value * random.uniform(0.4, 1.2)) % 256 for value in colour)
                (draw.ellipse if label == "hat" else draw.rectangle)((x, y, x + w, y + h), fill=shade)
            picture.save(root / label / f"{number}.png")
    return root


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the photos that are read, in the order of reading."""
    paths: list[str] = []
    read = FolderSource.read

    def watched(self: FolderSource, path: str) -> bytes:
        paths.append(path)
        return read(self, path)

    monkeypatch.setattr(FolderSource, "read", watched)
    return paths


def report_of(result: PrepareResult) -> Any:
    return json.loads((result.folder / "report.json").read_text())


def left_over(store: Store) -> list[str]:
    return [path.name for path in (store.root / "datasets").iterdir() if path.name.startswith(".")]


def test_a_folder_becomes_the_data_set_in_use(store: Store, photo_folder: Path) -> None:
    result = prepared(store, photo_folder)
    dataset = Dataset(store.current("datasets"))
    assert dataset.id == result.dataset_id
    assert dataset.labels == result.labels == ["blue", "green", "red"]
    assert dataset.photos().shape == (60, 32, 32, 3)
    assert {split: len(dataset.rows(split)) for split in dataset.splits()} == {"train": 48, "validation": 6, "test": 6}
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "card.json", "journal.sqlite", "manifest.parquet", "photos.npy", "report.html", "report.json",
    ]  # fmt: skip
    assert left_over(store) == []


def test_every_row_has_its_own_photo(store: Store, photo_folder: Path) -> None:
    prepared(store, photo_folder)
    dataset = Dataset(store.current("datasets"))
    for row, path in enumerate(dataset.paths):
        expected = Preprocess(size_px=32).apply(Image.open(photo_folder / path))
        np.testing.assert_array_equal(dataset.photos()[row], expected)


def test_the_same_photos_have_the_same_id_in_another_store(store: Store, photo_folder: Path, tmp_path: Path) -> None:
    assert prepared(store, photo_folder).dataset_id == prepared(Store(tmp_path / "other"), photo_folder).dataset_id


def test_bad_files_are_told_and_do_not_stop_it(store: Store, photo_folder: Path) -> None:
    (photo_folder / "red" / "empty.jpg").touch()
    (photo_folder / "red" / "text.jpg").write_text("not a photo")
    (photo_folder / "red" / "notes.txt").write_text("notes")
    whole = (photo_folder / "red" / "00.png").read_bytes()
    (photo_folder / "red" / "cut.png").write_bytes(whole[: len(whole) // 2])
    result = prepared(store, photo_folder)
    report = report_of(result)
    names = ["red/cut.png", "red/empty.jpg", "red/notes.txt", "red/text.jpg"]
    assert sorted(bad["path"] for bad in report["rejected"]) == names
    assert all(bad["reason"] for bad in report["rejected"])
    assert report["num_photos"] == 60
    assert len(Dataset(result.folder).photos()) == 60


def test_doubles_are_found_and_stay_in_one_split(store: Store, photo_folder: Path) -> None:
    for number in range(20):
        shutil.copy(photo_folder / "red" / f"{number:02}.png", photo_folder / "red" / f"copy {number:02}.png")
    result = prepared(store, photo_folder)
    assert len(result.report.quality.exact.within_split) == 20
    assert result.report.quality.exact.across_splits == []


def test_leaks_between_given_splits_are_reported_and_kept(store: Store, photo_folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "split"
    shutil.copytree(photo_folder, root / "train")
    for colour in ("red", "blue"):
        (root / "test" / colour).mkdir(parents=True)
        shutil.copy(photo_folder / colour / "07.png", root / "test" / colour / "07.png")
    result = prepared(store, root)
    assert sorted(report_of(result)["duplicates"]["across_splits"]) == [
        ["test/blue/07.png", "train/blue/07.png"],
        ["test/red/07.png", "train/red/07.png"],
    ]
    assert result.report.quality.split_counts == {"train": 54, "validation": 6, "test": 2}


def test_a_second_run_decodes_nothing_and_says_so(
    store: Store, photo_folder: Path, decoded: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    first = prepared(store, photo_folder)
    decoded.clear()
    again = prepared(store, photo_folder)
    assert decoded == []
    assert again.reused
    assert (again.dataset_id, again.folder) == (first.dataset_id, first.folder)
    captured = capsys.readouterr()
    assert "Nothing has changed" in captured.err
    assert captured.out == ""


def test_only_new_and_changed_photos_are_decoded_and_all_are_right(
    store: Store, photo_folder: Path, decoded: list[str]
) -> None:
    first = prepared(store, photo_folder)
    decoded.clear()
    Image.new("RGB", (48, 40), (1, 2, 3)).save(photo_folder / "green" / "05.png")
    Image.new("RGB", (48, 40), (4, 5, 6)).save(photo_folder / "blue" / "99.png")
    (photo_folder / "red" / "03.png").unlink()
    second = prepared(store, photo_folder)
    assert sorted(decoded) == ["blue/99.png", "green/05.png"]
    assert second.dataset_id != first.dataset_id
    dataset = Dataset(store.current("datasets"))
    assert len(dataset.paths) == 60
    for row, path in enumerate(dataset.paths):
        expected = Preprocess(size_px=32).apply(Image.open(photo_folder / path))
        np.testing.assert_array_equal(dataset.photos()[row], expected)
    decoded.clear()
    assert prepared(store, photo_folder).reused
    assert decoded == []


def test_an_interrupted_run_goes_on_where_it_was(
    store: Store, photo_folder: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = FolderSource.read

    def pulled_plug(self: FolderSource, path: str) -> bytes:
        if path == "red/10.png":
            raise KeyboardInterrupt
        return watched(self, path)

    monkeypatch.setattr("snapshelf.data.decoding._CHUNK", 4)
    monkeypatch.setattr(FolderSource, "read", pulled_plug)
    with pytest.raises(KeyboardInterrupt):
        prepared(store, photo_folder)
    assert len(left_over(store)) == 1
    assert not store.has_current("datasets")
    monkeypatch.setattr(FolderSource, "read", watched)
    decoded.clear()
    result = prepared(store, photo_folder)
    assert "red/19.png" in decoded
    assert "blue/00.png" not in decoded
    assert left_over(store) == []
    dataset = Dataset(result.folder)
    assert len(np.unique(dataset.photos().reshape(60, -1), axis=0)) == 60


def test_another_size_is_another_data_set(store: Store, photo_folder: Path) -> None:
    assert prepared(store, photo_folder, size_px=24).dataset_id != prepared(store, photo_folder).dataset_id
    assert len(store.ids("datasets")) == 2


def test_the_fit_comes_from_the_stores_configuration(store: Store, photo_folder: Path) -> None:
    store.root.mkdir()
    store.config_path.write_text('[prepare]\nfit = "pad"\n')
    assert DatasetCard.read(prepared(store, photo_folder).folder).preprocess == Preprocess(size_px=32, fit="pad")


def test_photos_of_ordinary_size_are_prepared_at_288(store: Store, photo_folder: Path) -> None:
    assert Dataset(prepared(store, photo_folder, size_px=None).folder).photos().shape == (60, 288, 288, 3)


def test_a_size_out_of_range_is_refused(store: Store, photo_folder: Path) -> None:
    with pytest.raises(ConfigError, match="4 px; expected 8 to 1024"):
        prepared(store, photo_folder, size_px=4)


def test_one_class_is_not_enough(store: Store, photo_folder: Path) -> None:
    for colour in ("green", "blue"):
        shutil.rmtree(photo_folder / colour)
    with pytest.raises(SourceError, match="All 20 usable photos are of the class 'red'; expected at least 2"):
        prepared(store, photo_folder)


def test_where_every_file_is_broken_the_first_reasons_are_told(store: Store, tmp_path: Path) -> None:
    (tmp_path / "photos" / "red").mkdir(parents=True)
    (tmp_path / "photos" / "red" / "1.jpg").write_text("text")
    with pytest.raises(SourceError, match=r"None of the 1 photos can be used\. The first: red/1\.jpg: Not a picture"):
        prepared(store, tmp_path / "photos")


def test_a_table_with_several_photos_a_product(store: Store, photo_folder: Path) -> None:
    paths = sorted(path.relative_to(photo_folder).as_posix() for path in photo_folder.glob("*/*.png"))
    rows = [f"{path[:-5]},{path.partition('/')[0]},{path}" for path in paths]  # ten photos a product
    table = photo_folder / "feed.csv"
    table.write_text("\n".join(["id,category,image", *rows, "x,red,missing.png"]))
    result = prepared(store, table)
    assert (result.report.num_photos, len(result.report.rejected)) == (60, 1)
    rows_of = Dataset(result.folder).manifest.to_pylist()
    for product in {row["product_id"] for row in rows_of}:
        assert len({row["split"] for row in rows_of if row["product_id"] == product}) == 1


def test_a_file_that_changes_after_it_was_listed_is_prepared_as_it_is_then(
    store: Store, photo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = Listing.fill

    def fill_then_change(self: Listing, source: Source) -> None:
        fill(self, source)
        Image.new("RGB", (9, 9), (7, 8, 9)).save(photo_folder / "red" / "00.png")

    with monkeypatch.context() as patch:
        patch.setattr(Listing, "fill", fill_then_change)
        first = Dataset(prepared(store, photo_folder).folder)
    row = first.paths.index("red/00.png")
    assert (first.photos()[row] == (7, 8, 9)).all()
    again = prepared(store, photo_folder)
    assert again.dataset_id == first.id


def test_leaks_are_taken_out_of_training_only_when_asked_to(store: Store, photo_folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "split"
    shutil.copytree(photo_folder, root / "train")
    for colour in ("red", "blue", "green"):
        (root / "test" / colour).mkdir(parents=True)
        shutil.copy(photo_folder / colour / "07.png", root / "test" / colour / "07.png")
    assert len(Dataset(prepared(store, root).folder).paths) == 63
    result = prepared(store, root, checks=Checks(with_network=False, fix_leaks=True))
    report = report_of(result)
    assert [gone["path"] for gone in report["removed"]] == [
        "train/blue/07.png", "train/green/07.png", "train/red/07.png"
    ]  # fmt: skip
    assert {gone["split"] for gone in report["removed"]} <= {"train", "validation"}
    assert report["duplicates"]["across_splits"] == []
    dataset = Dataset(result.folder)
    assert len(dataset.paths) == len(dataset.photos()) == report["num_photos"] == 60
    assert "test/red/07.png" in dataset.paths
    for row, path in enumerate(dataset.paths):
        np.testing.assert_array_equal(dataset.photos()[row], Preprocess(size_px=32).apply(Image.open(root / path)))


def test_near_duplicates_stay_in_one_split_and_are_told(store: Store, pictures: Path) -> None:
    for number in range(6):
        picture = Image.open(pictures / "hat" / f"{number}.png")
        picture.save(pictures / "hat" / f"{number} again.jpg", quality=40)
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(pictures / "cap" / f"{number} mirrored.png")
    report = report_of(prepared(store, pictures, size_px=96))
    expected = [[f"cap/{number} mirrored.png", f"hat/{number} again.jpg", f"hat/{number}.png"] for number in range(6)]
    assert sorted(map(sorted, report["near_duplicates"]["within_split"])) == expected
    assert report["near_duplicates"]["across_splits"] == report["duplicates"]["within_split"] == []
    assert sorted(map(sorted, report["two_labels"])) == expected


def test_doubles_in_a_set_of_mnists_form(store: Store, tmp_path: Path) -> None:
    """As Fashion-MNIST had them at first (zalandoresearch/fashion-mnist, issue 44): in training, in test, in both."""
    random = np.random.default_rng(0)
    content = {"train": random.integers(0, 256, (200, 28, 28)), "t10k": random.integers(0, 256, (50, 28, 28))}
    within, across = [(3, 150), (60, 61), (7, 199)], [(12, 40), (88, 0)]
    for one, other in within:
        content["train"][other] = content["train"][one]
    for of_train, of_test in across:
        content["t10k"][of_test] = content["train"][of_train]
    content["t10k"][31] = content["t10k"][30]
    (tmp_path / "mnist").mkdir()
    for part, photos_NHW in content.items():
        for kind, array in (("images-idx3", photos_NHW), ("labels-idx1", np.arange(len(photos_NHW)) % 10)):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            (tmp_path / "mnist" / f"{part}-{kind}-ubyte").write_bytes(head + array.astype(np.uint8).tobytes())
    found = report_of(prepared(store, tmp_path / "mnist", size_px=None))["duplicates"]
    expected = [{f"train/{one:05}", f"train/{other:05}"} for one, other in within] + [{"test/00030", "test/00031"}]
    assert sorted(map(sorted, found["within_split"])) == sorted(map(sorted, expected))
    expected = [{f"train/{of_train:05}", f"test/{of_test:05}"} for of_train, of_test in across]
    assert sorted(map(sorted, found["across_splits"])) == sorted(map(sorted, expected))


def test_what_a_network_finds(store: Store, pictures: Path) -> None:
    """Crops, and photos whose class is doubtful; its features are then there for training."""
    Image.open(pictures / "hat" / "3.png").crop((8, 8, 92, 92)).save(pictures / "hat" / "a crop.png")
    for number in range(3):
        (pictures / "hat" / f"{20 + number}.png").rename(pictures / "cap" / f"wrong {number}.png")
    result = prepared(store, pictures, size_px=96, checks=Checks())
    report = report_of(result)
    assert [sorted(group) for group in report["near_duplicates"]["within_split"]] == [["hat/3.png", "hat/a crop.png"]]
    most_doubtful = [(found["path"], found["likely"]) for found in report["label_suspects"][:3]]
    assert sorted(most_doubtful) == [(f"cap/wrong {number}.png", "hat") for number in range(3)]
    assert list((result.folder / "features").glob("*.npy"))
    assert report["network_checks_left_out"] is None


def test_features_of_photos_that_have_not_changed_are_used_again(
    store: Store, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(store, pictures, size_px=96, checks=Checks())
    Image.effect_noise((96, 96), 40).convert("RGB").save(pictures / "hat" / "new.png")
    computed: list[int] = []
    compute = features._compute

    def watched(backbone: Any, photos: Any, rows: Any, features_ND: Any) -> Any:
        computed.append(len(rows))
        return compute(backbone, photos, rows, features_ND)

    monkeypatch.setattr(features, "_compute", watched)
    prepared(store, pictures, size_px=96, checks=Checks())
    assert computed == [1]


def test_flaws_of_photos_are_told(store: Store, pictures: Path) -> None:
    def spoil(name: str, change: Callable[[Image.Image], Image.Image], **options: Any) -> None:
        change(Image.open(pictures / "hat" / f"{name}.png")).save(pictures / "hat" / f"{name}.png", **options)

    exif = Image.Exif()
    exif[0x0112] = 6
    spoil("1", lambda picture: picture.filter(ImageFilter.GaussianBlur(3)))
    spoil("2", lambda picture: picture.point(lambda value: value // 6))
    spoil("3", lambda picture: Image.new("RGB", picture.size, (250, 250, 250)))
    spoil("4", lambda picture: picture.resize((40, 40)))
    spoil("5", lambda picture: picture.resize((96, 20)))
    spoil("6", lambda picture: picture, exif=exif)
    report = report_of(prepared(store, pictures, size_px=96))
    assert report["flaws"] == {
        "tiny": ["hat/4.png"],
        "extreme_aspect": ["hat/5.png"],
        "blank": ["hat/3.png"],
        "dark": ["hat/2.png"],
        "blurred": ["hat/1.png"],
        "exif_rotated": ["hat/6.png"],
    }


def test_boxes_of_one_file_stay_in_one_split(store: Store, tmp_path: Path, make_picture: Callable[..., Any]) -> None:
    """A COCO folder whose photos each have two boxes."""
    images, annotations = [], []
    for number in range(20):
        make_picture("red", number, (80, 60)).save(tmp_path / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": 80, "height": 60})
        for half in (0, 1):
            box = [40 * half, 0, 40, 60]
            annotations.append({"id": 2 * number + half, "image_id": number, "category_id": half, "bbox": box,
                                "iscrowd": 0, "area": 2400, "segmentation": []})  # fmt: skip
    categories = [{"id": 0, "name": "left"}, {"id": 1, "name": "right"}]
    content = {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "instances.json").write_text(json.dumps(content))
    dataset = Dataset(prepared(store, tmp_path).folder)
    rows = dataset.manifest.to_pylist()
    assert len(rows) == 40
    assert {(row["width_px"], row["height_px"]) for row in rows} == {(40, 60)}
    for number in range(20):
        assert len({row["split"] for row in rows if row["path"].startswith(f"{number}.png#")}) == 1
    assert dataset.splits() == ["train", "validation", "test"]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the data sets beside the checkout (../shared) are not there")
def test_a_part_of_the_clothing_photos(store: Store, tmp_path: Path) -> None:
    for folder in sorted((SHARED / "clothing").glob("*/*")):
        target = tmp_path / "clothing" / folder.parent.name / folder.name
        target.mkdir(parents=True)
        for photo in sorted(folder.iterdir())[:5]:
            shutil.copy(photo, target)
    result = prepared(store, tmp_path / "clothing", size_px=None)
    assert (result.report.num_photos, len(result.labels)) == (100, 10)
    assert result.report.quality.split_counts == {"train": 50, "validation": 50}
    assert result.report.rejected == []
