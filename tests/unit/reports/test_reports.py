"""Reports: whole in one file, nothing in them can act, and what a reader must see is there."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from snapshelf.data.dataset import MANIFEST_SCHEMA
from snapshelf.data.quality import examine
from snapshelf.metrics.classification import classification_scores, confidence_bins
from snapshelf.reports.dataset import DatasetReport
from snapshelf.reports.evaluation import EvaluationReport, Mistake
from snapshelf.reports.page import thumbnail
from snapshelf.types import Rejected

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def dataset_page(label: str = "hat", num_classes: int = 2, rejected: list[Rejected] | None = None) -> tuple[str, str]:
    """A data set with one leak, one double and one photo under two labels: its HTML and its JSON."""
    labels = [label, label, "cap", *(f"class {number}" for number in range(num_classes - 2))]
    number = len(labels)
    manifest = pa.table(
        [
            [f"{label}/{row}" for row in range(number)],
            labels,
            ["train", "train", "test", *["train"] * (number - 3)],
            [None] * number,
            ["same"] * 3 + [str(row) for row in range(number - 3)],
            [300] * number,
            [300] * number,
        ],
        schema=MANIFEST_SCHEMA,
    )
    report = DatasetReport("id", label, "folder", 16, number, examine(manifest, 16), rejected or [], [label])
    return report.to_html(manifest, np.zeros((number, 16, 16, 3), np.uint8)), report.to_json()


def evaluation_page(label: str = "hat", num_classes: int = 3) -> str:
    labels_N = np.array([0, 1, 0, 1])
    probabilities_NC = np.full((4, num_classes), 0.1)
    probabilities_NC[:, 0] = 0.7
    names = [label, "cap", *(f"class {number}" for number in range(num_classes - 2))]
    return EvaluationReport(
        model_id="m",
        photos=f"the photos of {label}",
        scores=classification_scores(labels_N, probabilities_NC, names),
        bins=confidence_bins(labels_N, probabilities_NC),
        mistakes=[Mistake(f"{label}.jpg", "cap", label, 0.7, np.zeros((16, 16, 3), np.uint8))],
        rejected=[Rejected(label, label)],
        num_unknown=1,
        unknown_labels=[label],
    ).to_html()


PAGES = {
    "data set": dataset_page(HOSTILE, rejected=[Rejected(HOSTILE, HOSTILE)])[0],
    "evaluation": evaluation_page(HOSTILE),
    "evaluation of many classes": evaluation_page(HOSTILE, num_classes=40),
}


@pytest.mark.parametrize("html", PAGES.values(), ids=PAGES.keys())
def test_names_of_classes_and_files_cannot_act(html: str) -> None:
    page = Page(html)
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert HOSTILE in page.text


@pytest.mark.parametrize("html", PAGES.values(), ids=PAGES.keys())
def test_nothing_is_loaded_from_elsewhere(html: str) -> None:
    page = Page(html)
    addresses = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert addresses
    assert all(address and address.startswith(("data:image/", "#")) for address in addresses)
    assert "link" not in {tag for tag, _ in page.tags}
    assert "url(" not in html


@pytest.mark.parametrize("html", PAGES.values(), ids=PAGES.keys())
def test_links_lead_to_what_is_there(html: str) -> None:
    page = Page(html)
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {(attributes["href"] or "")[1:] for tag, attributes in page.tags if tag == "a"} <= ids


def test_the_json_has_what_other_programs_read() -> None:
    content = json.loads(dataset_page(rejected=[Rejected("bad.jpg", "empty")])[1])
    assert content["num_photos"] == 3
    assert content["num_classes"] == 2
    assert content["splits"] == {"train": 2, "test": 1}
    assert content["rejected"] == [{"path": "bad.jpg", "reason": "empty"}]
    assert content["duplicates"] == {
        "within_split": [["hat/0", "hat/1"]],
        "across_splits": [["hat/0", "hat/1", "hat/2"]],
    }
    assert content["two_labels"] == [["hat/0", "hat/1", "hat/2"]]
    assert content["class_counts"] == {"cap": {"train": 0, "test": 1}, "hat": {"train": 2, "test": 0}}


def test_findings_are_said_in_words() -> None:
    text = Page(dataset_page(rejected=[Rejected("bad.jpg", "the file is empty")])[0]).text
    assert "1 file cannot be used" in text
    assert "1 photo stands in more than one split" in text
    assert "1 photo stands under two classes" in text
    assert "the file is empty" in text


def test_a_thousand_classes_make_a_page_that_can_still_be_opened() -> None:
    html, _ = dataset_page(num_classes=1000)
    assert "The first 150 of 1,000 classes" in Page(html).text
    assert len(html) < 2_000_000


def test_scores_are_on_the_page() -> None:
    text = re.sub(r"\s+", " ", Page(evaluation_page()).text)
    assert "50.0 % accuracy" in text
    assert "Most often mixed up: cap, taken for hat." in text
    assert "1 photo shows a class that the model does not know" in text


@pytest.mark.parametrize(("side", "shown"), [(28, 28), (224, 128)])
def test_a_thumbnail_keeps_small_photos_and_shrinks_large_ones(side: int, shown: int) -> None:
    address = thumbnail(np.full((side, side, 3), 100, np.uint8))
    content = base64.b64decode(address.partition("base64,")[2])
    assert Image.open(io.BytesIO(content)).size == (shown, shown)
