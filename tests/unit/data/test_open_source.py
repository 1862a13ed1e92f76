"""`--format auto` finds the format and says why; what it cannot read it says too."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from snapshelf.data import sources
from snapshelf.data.sources import FORMATS, open_source
from snapshelf.data.sources.options import SourceOptions
from snapshelf.errors import ConfigError, SourceError
from snapshelf.types import Photo
from tests.drawn import drawn
from tests.feeds import google_item, rss


def write(file: Path, content: str | bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def jpeg(number: int = 0) -> bytes:
    content = io.BytesIO()
    drawn(number, 32).save(content, "JPEG")
    return content.getvalue()


def write_coco(root: Path) -> Path:
    write(root / "val2017" / "000000000139.jpg", jpeg())
    image = {"id": 139, "file_name": "000000000139.jpg", "width": 32, "height": 32, "license": 2}
    box = {"id": 1, "image_id": 139, "category_id": 62, "bbox": [2.0, 3.0, 20.0, 10.0], "area": 200.0, "iscrowd": 0}
    category = {"id": 62, "name": "chair", "supercategory": "furniture"}
    parts = {"info": {}, "licenses": [], "images": [image], "annotations": [box], "categories": [category]}
    write(root / "annotations" / "instances_val2017.json", json.dumps(parts))
    return root


def write_imagenet(root: Path) -> Path:
    write(root / "train" / "n01440764" / "n01440764_10026.JPEG", jpeg())
    (root / "train" / "n01751748").mkdir()
    return root


def write_hugging_face(root: Path) -> Path:
    image = pa.array([{"bytes": jpeg(), "path": "0.jpg"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    features = {"image": {"_type": "Image"}, "label": {"names": ["hat"], "_type": "ClassLabel"}}
    heading = {"huggingface": json.dumps({"info": {"features": features}})}
    (root / "data").mkdir(parents=True)
    table = pa.table({"image": image, "label": [0]}).replace_schema_metadata(heading)
    pq.write_table(table, root / "data" / "train-00000-of-00001.parquet")
    return root


def write_image_folder(root: Path) -> Path:
    write(root / "train" / "0001.jpg", jpeg())
    write(root / "train" / "metadata.csv", "file_name,label\n0001.jpg,hat\n")
    return root


def write_idx(root: Path) -> Path:
    """The four files of MNIST and of Fashion-MNIST, with a photo of each class in both splits."""
    for part in ("train", "t10k"):
        photos_NHW, labels_N = np.zeros((10, 28, 28), np.uint8), np.arange(10, dtype=np.uint8)
        for name, array in (("images-idx3", photos_NHW), ("labels-idx1", labels_N)):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            write(root / f"{part}-{name}-ubyte", head + array.tobytes())
    return root


def write_open_images(root: Path) -> Path:
    write(root / "train" / "000002b66c9c498e.jpg", jpeg())
    write(root / "class-descriptions-boxable.csv", "/m/0cmf2,Airplane\n")
    heading = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction"
    row = "000002b66c9c498e,xclick,/m/0cmf2,1,0.1,0.9,0.1,0.9,0,0,0,0"
    write(root / "train-annotations-bbox.csv", f"{heading},IsInside\n{row},0\n")
    return root


def write_folder(root: Path) -> Path:
    write(root / "hat" / "1.jpg", jpeg())
    return root


def write_table(root: Path) -> Path:
    write(root / "hat.jpg", jpeg())
    write(root / "products.csv", "id,title,category,image\n1,Hat,hat,hat.jpg\n")
    return root / "products.csv"


def write_google_merchant(root: Path) -> Path:
    write(root / "hat.jpg", jpeg())
    write(root / "feed.xml", rss(google_item(id="1", title="Hat", product_type="Hats", image_link="hat.jpg")))
    return root / "feed.xml"


def write_google_table(root: Path) -> Path:
    write(root / "hat.jpg", jpeg())
    write(root / "feed.txt", "id\ttitle\timage link\tproduct type\n1\tHat\that.jpg\tHats\n")
    return root / "feed.txt"


def write_shopify(root: Path) -> Path:
    write(root / "hat.jpg", jpeg())
    write(root / "export.csv", "Handle,Title,Type,Variant Price,Image Src\nhat,Hat,Hats,9,hat.jpg\n")
    return root / "export.csv"


def write_woocommerce(root: Path) -> Path:
    write(root / "hat.jpg", jpeg())
    write(root / "export.csv", "ID,Type,SKU,Name,Published,Regular price,Images\n1,simple,h,Hat,1,9,hat.jpg\n")
    return root / "export.csv"


def one_file(write_source: Callable[[Path], Path], name: str) -> Callable[[Path], Path]:
    return lambda root: write_source(root) / name


SAMPLES: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "coco": ("coco", write_coco, "annotations/instances_val2017.json"),
    "coco, one file": ("coco", one_file(write_coco, "annotations/instances_val2017.json"), "lists of images"),
    "fashion-mnist": ("fashion-mnist", lambda root: write_idx(root / "fashion-mnist"), "its name says so"),
    "folder": ("folder", write_folder, "taken for the classes"),
    "google-merchant": ("google-merchant", write_google_merchant, "fields of Google's namespace"),
    "google-merchant, a table": ("google-merchant", write_google_table, "Google's names"),
    "hugging-face": ("hugging-face", write_hugging_face, "a column of photos"),
    "hugging-face, one file": (
        "hugging-face", one_file(write_hugging_face, "data/train-00000-of-00001.parquet"), "a column of photos"
    ),
    "hugging-face, photos beside metadata": ("hugging-face", write_image_folder, "metadata.csv"),
    "imagenet": ("imagenet", write_imagenet, "synsets"),
    "mnist": ("mnist", write_idx, "not Fashion-MNIST's"),
    "open-images": ("open-images", write_open_images, "train-annotations-bbox.csv"),
    "shopify": ("shopify", write_shopify, "Shopify's columns: handle, title"),
    "table": ("table", write_table, "ends in .csv"),
    "woocommerce": ("woocommerce", write_woocommerce, "WooCommerce's columns: type, name"),
}  # fmt: skip
"""For each a format, what writes a small source of it, and what the reason says."""


FILES = {name for name in SAMPLES if "one file" in name} | {
    "google-merchant", "google-merchant, a table", "shopify", "table", "woocommerce"
}  # fmt: skip
"""Samples that are files: a link to one lies in another folder than its photos."""


def test_there_is_a_sample_of_every_format() -> None:
    assert {"auto", *(format_name for format_name, *_ in SAMPLES.values())} == set(FORMATS)


@pytest.mark.parametrize("name", SAMPLES)
def test_auto_recognises_a_format_says_why_and_finds_its_photos(name: str, tmp_path: Path) -> None:
    format_name, write_source, words = SAMPLES[name]
    path = write_source(tmp_path / "source")
    source, reason = open_source(str(path), "auto", SourceOptions(tmp_path / "downloads"))
    assert source.format == format_name
    assert reason.startswith(f"Reading {path} as {format_name}: ")
    assert words in reason
    photos = [row for row in source.rows() if isinstance(row, Photo)]
    assert len(photos) == (20 if "mnist" in name else 1)
    assert len(source.read(photos[0].source_file))
    assert source.stamp(photos[0].source_file)


@pytest.mark.parametrize("name", SAMPLES)
def test_photos_are_read_in_another_process_too(name: str, tmp_path: Path) -> None:
    source, _ = open_source(str(SAMPLES[name][1](tmp_path / "source")), "auto", SourceOptions(tmp_path / "downloads"))
    file = next(row for row in source.rows() if isinstance(row, Photo)).source_file
    there = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(there.read(file), source.read(file))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_format_that_is_asked_for_is_taken(name: str, tmp_path: Path) -> None:
    format_name, write_source, _ = SAMPLES[name]
    path = write_source(tmp_path / "source")
    source, reason = open_source(str(path), format_name, SourceOptions(tmp_path / "downloads"))
    assert source.format == format_name
    assert reason == f"Reading {path} as {format_name}: as asked for."


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in FILES])
def test_a_link_to_a_source_is_that_source(name: str, tmp_path: Path) -> None:
    format_name, write_source, _ = SAMPLES[name]
    (tmp_path / "link").symlink_to(write_source(tmp_path / "source"))
    source, _ = open_source(str(tmp_path / "link"), "auto", SourceOptions(tmp_path / "downloads"))
    assert source.format == format_name
    assert any(isinstance(row, Photo) for row in source.rows())


def test_fashion_mnist_by_its_name_is_found_or_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "find_or_fetch", lambda downloads: write_idx(downloads / "fetched"))
    source, reason = open_source("fashion-mnist", "auto", SourceOptions(tmp_path / "downloads"))
    assert source.format == "fashion-mnist"
    assert f"its files are in {tmp_path / 'downloads' / 'fetched'}" in reason


def test_a_folder_of_that_name_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "fashion-mnist")
    source, _ = open_source("fashion-mnist", "auto", SourceOptions(tmp_path / "downloads"))
    assert source.format == "folder"


@pytest.mark.parametrize("name", ["wild.json", "wild.parquet", "wild.jpg", "wild"])
@pytest.mark.parametrize("content", [b"", b"\0\xff" * 200, b"PAR1" + b"\0" * 40 + b"PAR1", b'{"images": ['])
def test_looking_at_a_wild_file_never_breaks(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    try:
        source, _ = open_source(str(tmp_path / name), "auto", SourceOptions(tmp_path))
    except SourceError:
        return
    assert source.format == "table"  # named as one; what it holds is seen when it is read


def test_an_empty_folder_and_one_of_wild_files_are_folders(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("a.json", "b.parquet", "metadata.csv", "train-images-idx3-ubyte", "x-annotations-bbox.csv"):
        write(tmp_path / "wild" / name, b"\0\xff" * 200)
    for folder in ("empty", "wild"):
        source, _ = open_source(str(tmp_path / folder), "auto", SourceOptions(tmp_path))
        assert source.format == "folder"


def test_a_folder(photo_folder: Path, tmp_path: Path) -> None:
    source, reason = open_source(str(photo_folder), "auto", SourceOptions(tmp_path))
    assert source.format == "folder"
    assert reason == f"Reading {photo_folder} as folder: it is a folder; the folders in it are taken for the classes."


def test_a_folder_with_splits_says_so(photo_folder: Path, tmp_path: Path) -> None:
    photo_folder.rename(tmp_path / "train")
    (tmp_path / "whole").mkdir()
    (tmp_path / "train").rename(tmp_path / "whole" / "train")
    _, reason = open_source(str(tmp_path / "whole"), "auto", SourceOptions(tmp_path))
    assert "split folders" in reason


def test_a_table(tmp_path: Path) -> None:
    table = tmp_path / "products.csv"
    table.write_text("id,title,category,image\n1,Hat,hat,hat.jpg\n")
    source, reason = open_source(str(table), "auto", SourceOptions(tmp_path))
    assert source.format == "table"
    assert "ends in .csv" in reason


@pytest.mark.parametrize("name", ["missing", "file.pdf"])
def test_what_is_nothing_of_these(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.pdf").write_bytes(b"%PDF")
    with pytest.raises(SourceError, match=r"(not there|another kind).*Expected a folder of photos"):
        open_source(str(tmp_path / name), "auto", SourceOptions(tmp_path))


def test_an_unknown_format_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'zip'; expected one of auto, .*folder.*table"):
        open_source(str(tmp_path), "zip", SourceOptions(tmp_path))


@pytest.mark.parametrize(
    ("write_source", "image", "category"),
    [
        (write_google_table, "image link", "product type"),
        (write_shopify, "Image Src", "Type"),
        (write_woocommerce, "Images", "Name"),
    ],
)
def test_a_table_whose_columns_the_store_has_named_is_no_feed(
    write_source: Callable[[Path], Path], image: str, category: str, tmp_path: Path
) -> None:
    path = write_source(tmp_path).rename(tmp_path / "products.tsv")
    path.write_text(path.read_text().replace(",", "\t"))
    with pytest.raises(SourceError, match="no column"):
        open_source(str(path), "auto", SourceOptions(tmp_path, columns={"price": "Preis"}))
    source, reason = open_source(
        str(path), "auto", SourceOptions(tmp_path, columns={"image": image, "category": category})
    )
    assert source.format == "table"
    assert "as snapshelf.toml has [catalogue_columns], it is not taken for" in reason


def test_a_table_with_our_columns_is_no_feed(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "id,title,category,image,image_link\n1,Hat,hat,hat.jpg,hat.jpg\n")
    source, _ = open_source(str(tmp_path / "a.csv"), "auto", SourceOptions(tmp_path))
    assert source.format == "table"


def test_xml_of_another_kind_is_no_feed(tmp_path: Path) -> None:
    write(tmp_path / "page.xml", "<html><body>Hats</body></html>")
    write(tmp_path / "news.xml", rss("<title>News</title>").replace("base.google.com", "news.example"))
    for name in ("page.xml", "news.xml"):
        with pytest.raises(SourceError, match=r"another kind.*a feed \(Google Merchant, Shopify, WooCommerce\)"):
            open_source(str(tmp_path / name), "auto", SourceOptions(tmp_path))


def test_a_feed_that_is_not_there_or_of_no_kind_says_so(tmp_path: Path) -> None:
    write(tmp_path / "feed.bin", "id\ttitle\n")
    for name, words in (("none.xml", "not there"), ("feed.bin", "ends in '.bin'")):
        with pytest.raises(SourceError, match=words):
            open_source(str(tmp_path / name), "google-merchant", SourceOptions(tmp_path))
