"""ImageNet's folders and lists, as the challenges and Kaggle give them. The lines have the form of the true ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshelf.data.sources.imagenet import ImagenetSource, recognise_imagenet
from snapshelf.data.sources.imagenet_labels import ListFolders, read_ground_truth
from snapshelf.errors import PhotoError, SourceError
from snapshelf.types import Photo, Rejected

TENCH, SNAKE, ALP = "n01440764", "n01751748", "n09193705"
MAPPING = """n01440764 tench, Tinca tinca
n01751748 sea snake
n02012849 crane
n03126707 crane
n03710637 maillot
n03710721 maillot, tank suit
n09193705 alp
"""
SOLUTION = """ImageId,PredictionString
ILSVRC2012_val_00000002,n09193705 85 1 499 272 n09193705 10 20 30 40
ILSVRC2012_val_00000001,n01751748 111 108 431 202
"""
MAP_CLSLOC = """n02119789 1 kit_fox
n01751748 490 sea_snake
n09193705 361 alp
n02105855 171 Shetland_sheepdog
"""
TRAIN = [f"train/{TENCH}/{TENCH}_10026.JPEG", f"train/{SNAKE}/{SNAKE}_1.JPEG"]
VALIDATION = ["val/ILSVRC2012_val_00000001.JPEG", "val/ILSVRC2012_val_00000002.JPEG"]


def touched(root: Path, names: Iterable[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"content of " + name.encode())
    return root


def photos(root: Path) -> list[tuple[str, str, str | None]]:
    return [(row.path, row.label, row.split) for row in ImagenetSource(root).rows() if isinstance(row, Photo)]


def rejected(root: Path) -> dict[str, str]:
    return {row.path: row.reason for row in ImagenetSource(root).rows() if isinstance(row, Rejected)}


@pytest.mark.parametrize("base", ["", "Data/CLS-LOC/", "ILSVRC/Data/CLS-LOC/"])
def test_kaggles_layout_with_names_and_boxes(tmp_path: Path, base: str) -> None:
    root = touched(tmp_path, [base + name for name in TRAIN + VALIDATION])
    (root / "LOC_synset_mapping.txt").write_text(MAPPING)
    (root / "LOC_val_solution.csv").write_text(SOLUTION)
    assert photos(root) == [
        (base + TRAIN[0], "tench", "train"),
        (base + TRAIN[1], "sea snake", "train"),
        (base + VALIDATION[0], "sea snake", "validation"),
        (base + VALIDATION[1], "alp", "validation"),
    ]
    assert rejected(root) == {}
    assert "synsets" in (recognise_imagenet(root) or "")


@pytest.mark.parametrize(
    "devkit", ["ILSVRC/devkit/data", "ILSVRC2012_devkit_t12/data", "ILSVRC2015_devkit/data", "devkit/data", "."]
)
def test_a_devkits_numbers_are_those_of_map_clsloc(tmp_path: Path, devkit: str) -> None:
    root = touched(tmp_path, TRAIN + VALIDATION)
    (root / devkit).mkdir(parents=True, exist_ok=True)
    (root / devkit / "ILSVRC2012_validation_ground_truth.txt").write_text("490\n361\n")
    (root / devkit / "map_clsloc.txt").write_text(MAP_CLSLOC)
    assert [label for _, label, _ in photos(root)] == [TENCH, "sea snake", "sea snake", "alp"]


def test_numbers_are_never_taken_for_lines_of_the_names(tmp_path: Path) -> None:
    root = touched(tmp_path, TRAIN + VALIDATION)
    (root / "ILSVRC2012_validation_ground_truth.txt").write_text("1\n2\n")
    (root / "LOC_synset_mapping.txt").write_text(MAPPING)
    assert len(photos(root)) == 2
    assert "meta.mat, which is not read here. Put map_clsloc.txt" in rejected(root)["val"]


def test_a_list_of_synsets_needs_no_numbers(tmp_path: Path) -> None:
    root = touched(tmp_path, VALIDATION)
    (root / "ILSVRC2012_validation_ground_truth.txt").write_text(f"{SNAKE}\n{ALP}\n")
    assert [label for _, label, _ in photos(root)] == [SNAKE, ALP]


def test_validation_in_synset_folders_needs_no_list(tmp_path: Path) -> None:
    root = touched(tmp_path, [*TRAIN, f"val/{SNAKE}/ILSVRC2012_val_00000001.JPEG"])
    assert photos(root)[2] == (f"val/{SNAKE}/ILSVRC2012_val_00000001.JPEG", SNAKE, "validation")
    assert rejected(root) == {}


def test_the_archives_own_folder_names(tmp_path: Path) -> None:
    root = touched(tmp_path, [name.replace("train/", "ILSVRC2012_img_train/") for name in TRAIN])
    assert {label for _, label, _ in photos(root)} == {TENCH, SNAKE}
    assert recognise_imagenet(root)


def test_synsets_that_share_a_name_get_labels_that_differ(tmp_path: Path) -> None:
    synsets = ["n02012849", "n03126707", "n03710637", "n03710721"]
    root = touched(tmp_path, [f"train/{synset}/1.JPEG" for synset in synsets])
    (root / "LOC_synset_mapping.txt").write_text(MAPPING)
    labels = [label for _, label, _ in photos(root)]
    assert labels == ["crane (n02012849)", "crane (n03126707)", "maillot", "maillot, tank suit"]


def test_without_names_the_synset_is_the_label_and_alone_training_has_no_split(tmp_path: Path) -> None:
    assert photos(touched(tmp_path, TRAIN)) == [(TRAIN[0], TENCH, None), (TRAIN[1], SNAKE, None)]


def test_synset_folders_without_more(tmp_path: Path) -> None:
    root = touched(tmp_path, TRAIN) / "train"
    assert photos(root) == [(f"{TENCH}/{TENCH}_10026.JPEG", TENCH, None), (f"{SNAKE}/{SNAKE}_1.JPEG", SNAKE, None)]
    assert recognise_imagenet(root)


def test_test_photos_are_left_out_in_one_sentence(tmp_path: Path) -> None:
    root = touched(tmp_path, [*TRAIN, *(f"test/ILSVRC2012_test_{number:08}.JPEG" for number in range(1, 6))])
    assert list(rejected(root)) == ["test"]
    assert "its 5 photos were left out" in rejected(root)["test"]
    assert {split for _, _, split in photos(root)} == {None}


def test_no_list_is_told_once(tmp_path: Path) -> None:
    root = touched(tmp_path, TRAIN + VALIDATION)
    assert list(rejected(root)) == ["val"]
    assert "Expected LOC_val_solution.csv (Kaggle) or a devkit's" in rejected(root)["val"]


def test_what_the_list_lacks_and_what_it_has_too_much(tmp_path: Path) -> None:
    root = touched(tmp_path, [*TRAIN, VALIDATION[0], "val/ILSVRC2012_val_00000009.JPEG"])
    (root / "LOC_val_solution.csv").write_text(
        SOLUTION
        + "ILSVRC2012_val_00000003,\nILSVRC2012_val_00000004,dog 1 2\n"
        + f"ILSVRC2012_val_00000005,{SNAKE} 1 2 3 4 {ALP} 1 2 3 4\n"
    )
    assert rejected(root) == {
        "val/ILSVRC2012_val_00000009.JPEG": "LOC_val_solution.csv does not say what it shows",
        "LOC_val_solution.csv row 4": "is 'ILSVRC2012_val_00000003,'; expected ImageId,n01978287 85 1 499 272",
        "LOC_val_solution.csv row 5": "is 'ILSVRC2012_val_00000004,dog 1 2'; expected ImageId,n01978287 85 1 499 272",
        "LOC_val_solution.csv row 6": f"names {SNAKE}, {ALP} for one photo; expected one synset",
        "LOC_val_solution.csv": "1 of the 2 photos that it names are not there",
    }


def test_a_number_that_means_nothing_is_rejected(tmp_path: Path) -> None:
    root = touched(tmp_path, TRAIN + VALIDATION)
    (root / "map_clsloc.txt").write_text(MAP_CLSLOC)
    (root / "ILSVRC2012_validation_ground_truth.txt").write_text("490\n1001\n")
    assert (
        "is '1001'; expected an id of map_clsloc.txt" in rejected(root)["ILSVRC2012_validation_ground_truth.txt row 2"]
    )


def test_broken_lines_of_names_are_counted(tmp_path: Path) -> None:
    root = touched(tmp_path, TRAIN)
    (root / "LOC_synset_mapping.txt").write_bytes(MAPPING.encode() + b"\xff\xff\nfoo\n\n")
    assert rejected(root) == {
        "LOC_synset_mapping.txt": "2 lines are not of the form «n01440764 tench, Tinca tinca»; the first is line 8"
    }
    assert photos(root)[0][1] == "tench"


def test_loose_training_photos_and_other_folders_are_rejected(tmp_path: Path) -> None:
    root = touched(tmp_path, [*TRAIN, "train/loose.JPEG", "train/dogs/1.JPEG", f"train/{TENCH}/notes.txt"])
    assert set(rejected(root)) == {"train/loose.JPEG", "train/dogs", f"train/{TENCH}/notes.txt"}


def test_links_that_leave_the_source_are_not_followed(tmp_path: Path) -> None:
    outside = touched(tmp_path / "outside", [*TRAIN, "LOC_synset_mapping.txt", "secret.JPEG"])
    root = touched(tmp_path / "source", TRAIN)
    (root / "val").symlink_to(outside / "train")
    (root / "LOC_synset_mapping.txt").symlink_to(outside / "LOC_synset_mapping.txt")
    (root / "train" / TENCH / "out.JPEG").symlink_to(outside / "secret.JPEG")
    (root / "train" / "n00000001").symlink_to(root / "train")
    assert set(rejected(root)) == {"val", f"train/{TENCH}/out.JPEG", "train/n00000001"}
    assert len(photos(root)) == 2


def test_read_gives_the_bytes_and_nothing_outside(tmp_path: Path) -> None:
    source = ImagenetSource(touched(tmp_path / "source", TRAIN))
    assert source.read(TRAIN[0]) == b"content of " + TRAIN[0].encode()
    before = source.stamp(TRAIN[0])
    (tmp_path / "source" / TRAIN[0]).write_bytes(b"another")
    assert source.stamp(TRAIN[0]) != before
    with pytest.raises(PhotoError, match="leaves the source"):
        source.read("../secret.JPEG")


@pytest.mark.parametrize("names", [["hat/1.JPEG", "shoe/2.JPEG"], ["train/hat/1.jpg"], [f"{TENCH}/1.jpg", "hat/2.jpg"]])
def test_ordinary_folders_are_not_imagenet(tmp_path: Path, names: list[str]) -> None:
    assert recognise_imagenet(touched(tmp_path, names)) is None


def test_validation_alone_is_recognised(tmp_path: Path) -> None:
    assert "for validation" in (recognise_imagenet(touched(tmp_path, VALIDATION)) or "")


def test_no_photos_says_what_was_expected_and_why(tmp_path: Path) -> None:
    touched(tmp_path, VALIDATION)
    with pytest.raises(SourceError, match=r"Found 0 photos of ImageNet.*train/n01440764.*val: the validation photos"):
        list(ImagenetSource(tmp_path).rows())
    with pytest.raises(SourceError, match="is not a folder"):
        ImagenetSource(tmp_path / "missing")


@given(content=st.binary(max_size=200))
@pytest.mark.parametrize("name", ["LOC_val_solution.csv", "ILSVRC2012_validation_ground_truth.txt"])
def test_wild_lists_end_in_words(tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("wild")
    (folder / name).write_bytes(content)
    (folder / "map_clsloc.txt").write_bytes(content)
    truth = read_ground_truth(ListFolders(folder, (folder,)))
    assert all(isinstance(problem, Rejected) for problem in truth.problems)
