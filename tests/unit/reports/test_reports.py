"""Reports: whole in one file, nothing in them can act, and what a reader must see is there."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

from snapshelf.data.quality import Doubles, PhotoFlaw, Quality, Rows, Suspect
from snapshelf.metrics.bootstrap import score_intervals
from snapshelf.metrics.classification import classification_scores, confidence_bins
from snapshelf.metrics.comparison import McNemar
from snapshelf.metrics.evaluation import Comparison, Evaluation, SupercategoryScores, VerdictCount
from snapshelf.metrics.rejection import RejectionScores
from snapshelf.metrics.retrieval import RetrievalScores
from snapshelf.reports.dataset import DatasetReport, PhotoText, Removed
from snapshelf.reports.evaluation import Epoch, EvaluationReport, Example, Look
from snapshelf.reports.page import thumbnail
from snapshelf.types import SPLITS, Flaw, Rejected

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


def rows(*numbers: int) -> Rows:
    return np.array(numbers, np.int64)


NO_FLAWS: dict[PhotoFlaw, Rows] = {flaw: rows() for flaw in get_args(PhotoFlaw)}
FINE = Quality(
    flaws=NO_FLAWS,
    exact=Doubles([], []),
    near=Doubles([], []),
    two_labels=[],
    product_leaks=[],
    class_counts={"cap": {"train": 2, "test": 1}, "hat": {"train": 1, "test": 0}},
    split_counts={"train": 3, "test": 1},
)
"""Three caps, rows 0 to 2, of which the last is to test with, and a hat, row 3; nothing is wrong."""

ALL_WRONG = replace(
    FINE,
    flaws={flaw: rows(number % 4) for number, flaw in enumerate(NO_FLAWS)},
    exact=Doubles([rows(0, 1)], [rows(1, 2)]),
    near=Doubles([rows(0, 3)], [rows(2, 3)]),
    two_labels=[rows(0, 3)],
    product_leaks=[rows(0, 2)],
)


def dataset_report(quality: Quality = FINE, label: str = "hat", **changes: Any) -> DatasetReport:
    labels = ["cap", label]
    label_N, splits = [0, 0, 0, 1], SPLITS[:1] * 2 + SPLITS[2:] + SPLITS[:1]

    def photo(row: int) -> PhotoText:
        return PhotoText(f"{labels[label_N[row]]}/{row}", labels[label_N[row]], splits[row])

    counts = {label if name == "hat" else name: of_split for name, of_split in quality.class_counts.items()}
    report = DatasetReport(
        dataset_id="id",
        source=label,
        format="folder",
        size_px=16,
        num_photos=4,
        labels=labels,
        label_N=np.array(label_N, np.int32),
        split_N=np.array([SPLITS.index(split) for split in splits], np.int8),
        quality=replace(quality, class_counts=counts),
        suspects=[],
        rejected=[],
        removed=[],
        longer_px=np.array([16, 300, 300, 5000], np.int32),
        how_split="Drawn.",
        advice=[],
        without_network=None,
        photo=photo,
        pixels=lambda row: np.full((16, 16, 3), 10 * row, np.uint8),
    )
    return replace(report, **changes)


def all_wrong(label: str = "hat") -> DatasetReport:
    """A report in which everything there is stands, all of it with this label's name."""
    return dataset_report(
        ALL_WRONG,
        label,
        suspects=[Suspect(0, 1, 0.8123), Suspect(3, 0, 0.5)],
        rejected=[Rejected(label, label, flaw) for flaw in get_args(Flaw)],
        removed=[Removed(label, "train", label)],
        how_split=label,
        advice=[label],
        without_network=label,
    )


def many_classes(number: int) -> DatasetReport:
    names = [f"class {code:04}" for code in range(number)]
    return dataset_report(
        replace(FINE, class_counts={name: {"train": 1} for name in names}, split_counts={"train": number}),
        num_photos=number,
        labels=names,
        label_N=np.arange(number, dtype=np.int32),
        split_N=np.zeros(number, np.int8),
        photo=lambda row: PhotoText(f"{row}.jpg", names[row], "train"),
        pixels=lambda row: np.zeros((16, 16, 3), np.uint8),
    )


def words_of(report: DatasetReport) -> str:
    return re.sub(r"\s+", " ", Page(report.to_html()).text)


def headings_of(report: DatasetReport) -> list[str]:
    return [
        attributes["id"] or "" for tag, attributes in Page(report.to_html()).tags if tag == "h2" and "id" in attributes
    ]


def evaluation_page(label: str = "hat", num_classes: int = 3) -> str:
    labels_N = np.array([0, 1, 0, 1])
    probabilities_NC = np.full((4, num_classes), 0.1)
    probabilities_NC[:, 0] = 0.7
    names = [label, "cap", *(f"class {number}" for number in range(num_classes - 2))]
    example = Example(f"{label}.jpg", "cap", label, 0.7, np.full((16, 16, 3), 200, np.uint8))
    evaluation = Evaluation(
        model_id="m",
        dataset_id=None,
        data=label,
        split=None,
        scores=classification_scores(labels_N, probabilities_NC, names),
        intervals=score_intervals(labels_N, probabilities_NC),
        temperature=1.5,
        ece_before=0.25,
        ece_by_luck=(0.03, 0.05),
        verdicts={"confident": VerdictCount(3, 2 / 3, 0.95, 1), "unsure": VerdictCount(0, None, None, 0)},
        unknown={label: 1},
        rejection=RejectionScores(0.875, 0.3, 4, 1),
        same_class=RetrievalScores(0.9, 0.95, 0.98, 0.6, 4),
        same_product=None,
        supercategories=SupercategoryScores(0.975, (0.95, 0.99), 0.9, 0.02, 2),
        comparison=Comparison(label, 0.4, 0.5, 4, McNemar(2, 1, 0.7)),
        rejected=[Rejected(label, label)],
        report_path=Path("report.html"),
    )
    return EvaluationReport(
        evaluation=evaluation,
        photos=f"the photos of {label}",
        bins=confidence_bins(labels_N, probabilities_NC),
        mistakes=[example],
        hits=[example],
        pairs={(1, 0): [example]},
        looks=[Look(example, np.eye(4, dtype=np.float32))],
        history=[Epoch(2.0, 1.5, 0.4), Epoch(1.0, 0.75, 0.6)],
    ).to_html()


def test_of_a_large_group_each_split_and_class_is_shown() -> None:
    number = 40
    split_N, label_N = np.zeros(number, np.int8), np.zeros(number, np.int32)
    split_N[30], label_N[35] = 2, 1
    report = dataset_report(
        replace(FINE, exact=Doubles([], [rows(*range(1, number))])),
        num_photos=number,
        label_N=label_N,
        split_N=split_N,
        longer_px=np.full(number, 300, np.int32),
        photo=lambda row: PhotoText(f"photo {row}.jpg", "cap", "train"),
        pixels=lambda _: np.zeros((16, 16, 3), np.uint8),
    )
    html = report.to_html()
    shown = [int(row) for row in re.findall(r"photo (\d+)\.jpg", html[html.index('id="across"') :])]
    assert list(dict.fromkeys(shown)) == [1, 2, 3, 4, 5, 6, 30, 35]


PAGES = {
    "data set": all_wrong(HOSTILE).to_html(),
    "data set in which nothing is wrong": dataset_report(label=HOSTILE).to_html(),
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
    content = json.loads(
        dataset_report(
            ALL_WRONG,
            suspects=[Suspect(0, 1, 0.8123)],
            rejected=[Rejected("bad.jpg", "empty", "unreadable")],
            removed=[Removed("cap/9", "train", "test has it too")],
            advice=["Add hats."],
            without_network="as asked for",
        ).to_json()
    )
    assert content == {
        "dataset_id": "id",
        "source": "hat",
        "format": "folder",
        "size_px": 16,
        "num_photos": 4,
        "num_classes": 2,
        "splits": {"train": 3, "test": 1},
        "class_counts": {"cap": {"train": 2, "test": 1}, "hat": {"train": 1, "test": 0}},
        "rejected": [{"path": "bad.jpg", "reason": "empty", "flaw": "unreadable"}],
        "removed": [{"path": "cap/9", "split": "train", "reason": "test has it too"}],
        "duplicates": {"within_split": [["cap/0", "cap/1"]], "across_splits": [["cap/1", "cap/2"]]},
        "near_duplicates": {"within_split": [["cap/0", "hat/3"]], "across_splits": [["cap/2", "hat/3"]]},
        "two_labels": [["cap/0", "hat/3"]],
        "products_across_splits": [["cap/0", "cap/2"]],
        "flaws": {
            "tiny": ["cap/0"],
            "extreme_aspect": ["cap/1"],
            "blank": ["cap/2"],
            "dark": ["hat/3"],
            "blurred": ["cap/0"],
            "exif_rotated": ["cap/1"],
        },
        "label_suspects": [{"path": "cap/0", "label": "cap", "split": "train", "likely": "hat", "probability": 0.8123}],
        "network_checks_left_out": "as asked for",
        "how_split": "Drawn.",
        "advice": ["Add hats."],
    }


def test_doubts_that_were_not_looked_for_are_not_an_empty_list() -> None:
    assert json.loads(dataset_report(suspects=None).to_json())["label_suspects"] is None
    assert json.loads(dataset_report(suspects=[]).to_json())["label_suspects"] == []


def test_the_json_has_any_letters_as_they_are() -> None:
    report = dataset_report(label="Mütze 帽子")
    assert "Mütze 帽子" in report.to_json()
    assert json.loads(report.to_json())["source"] == "Mütze 帽子"


FLAW_WORDS: dict[PhotoFlaw, str] = {
    "tiny": "are very small",
    "extreme_aspect": "are very long or very wide",
    "blank": "are blank",
    "dark": "are dark",
    "blurred": "are blurred",
    "exif_rotated": "lie on their side in the file",
}

FINDINGS: dict[str, tuple[Quality, dict[str, Any], str, str]] = {
    "row": (FINE, {"rejected": [Rejected("x", "y", "row")]}, "1 row or file is not as it should be", "rejected"),
    "unreadable": (
        FINE, {"rejected": [Rejected("x", "y", "unreadable")]}, "1 file is no picture that can be read", "rejected"
    ),
    "truncated": (FINE, {"rejected": [Rejected("x", "y", "truncated")] * 2}, "2 pictures are cut off", "rejected"),
    "too-large": (FINE, {"rejected": [Rejected("x", "y", "too-large")]}, "1 photo is over the limit", "rejected"),
    "download": (FINE, {"rejected": [Rejected("x", "y", "download")]}, "1 photo could not be fetched", "rejected"),
    "removed": (FINE, {"removed": [Removed("x", "train", "y")]}, "1 photo was taken out", "removed"),
    "suspects": (FINE, {"suspects": [Suspect(0, 1, 0.9)]}, "1 photo may be under the wrong class", "suspects"),
    "across": (
        replace(FINE, exact=Doubles([], [rows(1, 2)])), {}, "1 photo stands in more than one split", "across"
    ),
    "within": (replace(FINE, exact=Doubles([rows(0, 1)], [])), {}, "1 photo is there more than once", "within"),
    "near-across": (
        replace(FINE, near=Doubles([], [rows(1, 2)])), {}, "1 photo stands nearly the same in more", "near-across"
    ),
    "near-within": (
        replace(FINE, near=Doubles([rows(0, 1)] * 2, [])), {}, "2 photos are nearly there more than", "near-within"
    ),
    "products": (replace(FINE, product_leaks=[rows(0, 2)]), {}, "1 product has photos in more than one", "products"),
    "two-labels": (replace(FINE, two_labels=[rows(0, 3)]), {}, "1 photo stands under two classes", "two-labels"),
    **{
        flaw: (replace(FINE, flaws={**NO_FLAWS, flaw: rows(0, 2)}), {}, f"2 photos {words}", flaw)
        for flaw, words in FLAW_WORDS.items()
    },
}  # fmt: skip


def test_there_is_a_case_for_every_flaw() -> None:
    assert {*get_args(Flaw), *get_args(PhotoFlaw)} <= FINDINGS.keys()


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_is_said_in_words_and_has_the_one_section_that_it_leads_to(name: str) -> None:
    quality, changes, words, section = FINDINGS[name]
    report = dataset_report(quality, **changes)
    assert words in words_of(report)
    assert headings_of(report) == [section]
    assert f'<a href="#{section}">See' in report.to_html()


def test_all_findings_stand_beside_each_other() -> None:
    words = words_of(all_wrong())
    singly = ["1 row or file", "1 picture is cut off", "2 photos may be under the wrong", "1 photo is dark"]
    assert [text for text in singly if text not in words] == []
    assert set(headings_of(all_wrong())) == {section for *_, section in FINDINGS.values()}


def test_where_nothing_is_wrong_it_is_said_and_nothing_else() -> None:
    words = words_of(dataset_report())
    assert "Every file can be used, and no photo is there twice." in words
    assert headings_of(dataset_report()) == []
    assert "report.json has all" not in words
    assert words.count("See it") + words.count("See them") == 0


@pytest.mark.parametrize("name", ["row", "across", "within", "near-across", "near-within", "products", "two-labels"])
def test_what_is_wrong_is_never_called_fine(name: str) -> None:
    quality, changes, *_ = FINDINGS[name]
    assert "Every file can be used" not in words_of(dataset_report(quality, **changes))


def test_checks_that_were_left_out_are_named_with_the_reason() -> None:
    assert "Not looked for: crops and doubtful classes." in words_of(dataset_report(without_network="torch is missing"))
    assert "torch is missing" in words_of(dataset_report(without_network="torch is missing"))
    assert "Not looked for" not in words_of(dataset_report())


def test_a_group_shows_its_photos_with_splits_and_classes() -> None:
    page = Page(dataset_report(replace(FINE, near=Doubles([], [rows(2, 3)]))).to_html())
    shown = page.text[page.text.index("Nearly the same photo") :]
    assert re.findall(r"(cap/2|hat/3)\s+(train|test)\s+(cap|hat)", shown) == [
        ("cap/2", "test", "cap"),
        ("hat/3", "train", "hat"),
    ]
    assert {"cap/2", "hat/3"} <= {attributes.get("title") for tag, attributes in page.tags if tag == "img"}


def test_a_doubtful_label_stands_beside_the_likely_one() -> None:
    assert "cap → hat (81.2 %)" in words_of(dataset_report(suspects=[Suspect(0, 1, 0.8123)]))


def test_rejected_files_stand_with_their_reason() -> None:
    words = words_of(dataset_report(rejected=[Rejected("bad.jpg", "the file is empty", "unreadable")]))
    assert re.search(r"bad\.jpg ?the file is empty", words)


LONG_LISTS: dict[str, tuple[DatasetReport, str]] = {
    "rejected": (dataset_report(rejected=[Rejected("x", "y")] * 1234), "The first 200 of 1,234"),
    "removed": (dataset_report(removed=[Removed("x", "train", "y")] * 201), "The first 200 of 201"),
    "suspects": (dataset_report(suspects=[Suspect(0, 1, 0.9)] * 49), "The first 48 of 49"),
    "blank": (dataset_report(replace(FINE, flaws={**NO_FLAWS, "blank": rows(*[0] * 25)})), "The first 24 of 25"),
    "groups": (dataset_report(replace(FINE, exact=Doubles([rows(0, 1)] * 30, []))), "The first 24 of 30"),
    "one group": (dataset_report(replace(FINE, near=Doubles([], [rows(*[0] * 1000)]))), "and 992 more"),
    "classes": (many_classes(1000), "The first 150 of 1,000"),
}


@pytest.mark.parametrize("name", LONG_LISTS)
def test_a_long_list_is_cut_and_says_so(name: str) -> None:
    report, words = LONG_LISTS[name]
    assert f"{words}; report.json has all" in words_of(report)
    assert words_of(report).count("report.json has all") == 1
    assert len(report.to_html()) < 1_000_000


@pytest.mark.parametrize(
    "report",
    [
        dataset_report(rejected=[Rejected("x", "y")] * 200),
        dataset_report(suspects=[Suspect(0, 1, 0.9)] * 48),
        dataset_report(replace(FINE, exact=Doubles([rows(*[0] * 8)] * 24, []))),
        many_classes(150),
    ],
    ids=["rejected", "suspects", "groups", "classes"],
)
def test_a_list_that_is_just_short_enough_is_whole(report: DatasetReport) -> None:
    assert "report.json has all" not in words_of(report)


def test_the_json_is_never_cut() -> None:
    report = dataset_report(
        replace(FINE, exact=Doubles([rows(*[0] * 20)] * 300, []), flaws={**NO_FLAWS, "blank": rows(*[1] * 300)}),
        rejected=[Rejected("x", "y")] * 300,
        removed=[Removed("x", "train", "y")] * 300,
        suspects=[Suspect(0, 1, 0.9)] * 300,
    )
    content = json.loads(report.to_json())
    assert [len(content[key]) for key in ("rejected", "removed", "label_suspects")] == [300] * 3
    assert len(content["flaws"]["blank"]) == 300
    assert [len(group) for group in content["duplicates"]["within_split"]] == [20] * 300


def test_how_large_the_photos_are() -> None:
    bars = re.search(r"How large the photos are(.*?)The longer side", words_of(dataset_report()))
    assert bars
    assert bars[1].split("up to ")[1:] == [
        "64 px 1 ", "128 px 0 ", "256 px 0 ", "512 px 2 ", "1,024 px 0 ", "2,048 px 0 ", "4,096 px 0 over 4,096 px 1 "
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("side_px", "words"), [(64, "up to 64 px 4"), (65, "up to 128 px 4"), (4097, "over 4,096 px 4")]
)
def test_photos_of_one_size_have_one_bar(side_px: int, words: str) -> None:
    text = words_of(dataset_report(longer_px=np.full(4, side_px, np.int32)))
    assert words in text
    assert text.count("up to ") + text.count("over 4,096") == 1


@pytest.mark.parametrize(("small", "is_said"), [(9, True), (10, False)])
def test_classes_that_differ_tenfold_are_named(small: int, is_said: bool) -> None:
    counts = {"cap": {"train": 60, "test": 40}, "hat": {"train": small, "test": 0}}
    words = words_of(dataset_report(replace(FINE, class_counts=counts)))
    assert (f"hat has {small}, cap has 100 photos." in words) is is_said


def test_advice_and_how_the_photos_were_split_are_passed_on() -> None:
    words = words_of(dataset_report(how_split="The given splits were kept.", advice=["Hats have one photo."]))
    assert "The given splits were kept." in words
    assert "Hats have one photo." in words


def test_examples_are_spread_over_all_photos_of_a_class() -> None:
    shown: list[int] = []

    def pixels(row: int) -> np.ndarray:
        shown.append(row)
        return np.zeros((16, 16, 3), np.uint8)

    report = dataset_report(
        label_N=np.array([0, 1] * 50, np.int32), pixels=pixels, photo=lambda _: PhotoText("x", "y", "train")
    )
    report.to_html()
    assert len(shown) == 16
    assert [row % 2 for row in shown] == [0] * 8 + [1] * 8
    assert max(shown) >= 80
    assert len(set(shown)) == 16


def test_scores_are_on_the_page() -> None:
    text = re.sub(r"\s+", " ", Page(evaluation_page()).text)
    assert re.search(r"50\.0 % accuracy: photos recognised rightly \(0\.0 to 100\.0 %\)", text)
    assert "25.0 % before calibration" in text
    assert "confident366.7 %95.0 %1 unsure0––0" in text
    assert "an AUROC of 87.5 %; where 95 % of the known ones pass, 30.0 % of the unknown ones do too" in text
    assert "same class90.0 %95.0 %98.0 %60.0 %4" in text
    assert "hat, on the same 4 photos: 40.0 % against 50.0 % of this one." in text
    assert "That may well be luck (McNemar's test, p = 0.7)." in text
    assert "Most often mixed up: cap, taken for hat." in text
    assert "1 photo shows a class that the model does not know" in text


@pytest.mark.parametrize(("side", "shown"), [(28, 28), (224, 128)])
def test_a_thumbnail_keeps_small_photos_and_shrinks_large_ones(side: int, shown: int) -> None:
    address = thumbnail(np.full((side, side, 3), 100, np.uint8))
    content = base64.b64decode(address.partition("base64,")[2])
    assert Image.open(io.BytesIO(content)).size == (shown, shown)


def test_a_photo_is_tinted_where_the_model_saw_its_class() -> None:
    html = evaluation_page()
    section = html[html.index("Where it looked") :]
    source = re.search(r"data:image/png;base64,([^\"]+)", section)
    assert source is not None
    tinted = np.asarray(Image.open(io.BytesIO(base64.b64decode(source[1]))))
    assert tinted[0, 0].tolist() == [238, 158, 60]
    assert tinted[0, 15].tolist() == [200, 200, 200]
