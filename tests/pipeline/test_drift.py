"""`snapshelf drift`: quiet on photos as they were, loud on others, and never stopped by a file that is no photo."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from snapshelf import cli
from snapshelf.adapters.index_folder import open_folder
from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.store import Store
from snapshelf.drift.baseline import Baseline
from snapshelf.drift.quantities import QUANTITIES
from tests.tiny_store import COLOURS, build_tiny_store, photo

DOCS = Path(__file__).parents[2] / "docs" / "drift.md"


def write_photos(folder: Path, first: int, number: int = 60, gain: float = 1.0, labels: bool = False) -> Path:
    """Photos in turn blue, green and red; loose, or in folders of classes."""
    for at in range(first, first + number):
        label, colour = list(COLOURS.items())[at % 3]
        path = folder / label / f"{at}.png" if labels else folder / f"{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo(colour, at).point(lambda level: level * gain).save(path)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with an index, whose model came without a baseline and without the photos that it was measured on."""
    return build_tiny_store(tmp_path)


Run = Any


@pytest.fixture
def run(store: Store, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`run("drift", …)`: exit code, standard output, standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["snapshelf", *words, "--store", str(store.root)])
        capfd.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        out, err = capfd.readouterr()
        return code, out, " ".join(err.split())

    return run


def found(run: Run, folder: Path) -> dict[str, Any]:
    code, out, _ = run("drift", str(folder), "--json")
    assert code == 0
    answer = json.loads(out)
    assert isinstance(answer, dict)
    return answer


def moved(answer: dict[str, Any]) -> set[str]:
    return {name for name, each in answer["quantities"].items() if each["drifted"]}


def test_from_no_baseline_to_quiet_and_loud(run: Run, store: Store, tmp_path: Path) -> None:
    now = write_photos(tmp_path / "now", 300)
    code, _, said = run("drift", str(now))
    assert code == 2
    assert "snapshelf drift PHOTOS --new-baseline" in said
    usual = write_photos(tmp_path / "usual", 0, number=90, labels=True)
    code, out, said = run("drift", str(usual), "--new-baseline", "--json")
    assert (code, json.loads(out)["num_photos"]) == (0, 90)
    assert "are what is usual" in said

    quiet = found(run, now)
    assert (quiet["drifted"], quiet["findings"], quiet["num_photos"]) == (False, [], 60)
    assert set(quiet["quantities"]) == set(QUANTITIES)
    assert quiet["without_index"] is None
    assert sum(each["now"] for each in quiet["classes"]) == pytest.approx(1)

    loud = found(run, write_photos(tmp_path / "dark", 300, gain=0.4))
    assert loud["drifted"]
    assert {"brightness", "contrast"} <= moved(loud)
    assert loud["quantities"]["brightness"]["median"][0] > 2 * loud["quantities"]["brightness"]["median"][1]
    assert loud["findings"][0]["quantity"] == "brightness"
    html = Path(loud["report"]).read_text("utf-8")
    assert "Photos have changed" in html
    assert "Photos are darker" in html


def test_other_goods_are_named_by_class_and_embedding(run: Run, tmp_path: Path) -> None:
    run("drift", str(write_photos(tmp_path / "usual", 0, number=90)), "--new-baseline")
    others = tmp_path / "others"
    others.mkdir()
    for number in range(60):
        photo((250, 240, 60), number).save(others / f"{number}.png")
    answer = found(run, others)
    assert answer["embedding"]["drifted"]
    assert {"class", "familiarity", "similarity"} <= moved(answer)
    code, _, said = run("drift", str(others))
    assert code == 0
    assert "DRIFT in" in said
    assert "What to do" in said


def test_broken_photos_and_other_files_are_counted_and_named(run: Run, tmp_path: Path) -> None:
    run("drift", str(write_photos(tmp_path / "usual", 0)), "--new-baseline")
    now = write_photos(tmp_path / "now", 300, number=10)
    (now / "broken.jpg").write_bytes(b"\xff\xd8\xff nonsense")
    (now / "notes.txt").write_text("x")
    answer = found(run, now)
    assert (answer["drifted"], answer["num_photos"], answer["quantities"]) == (None, 10, {})
    assert [bad["path"] for bad in answer["rejected"]] == ["broken.jpg", "notes.txt"]
    assert "Too few photos to tell" in Path(answer["report"]).read_text("utf-8")
    only = tmp_path / "only"
    only.mkdir()
    (only / "broken.jpg").write_bytes(b"nonsense")
    for words in ((), ("--new-baseline",)):
        code, _, said = run("drift", str(only), *words)
        assert code == 2
        assert "None of the photos of" in said
        assert "broken.jpg" in said
    code, _, said = run("drift")
    assert (code, "Name photos to look at" in said) == (2, True)
    code, _, said = run("drift", str(tmp_path / "nowhere"))
    assert (code, "is not there" in said) == (2, True)


def test_where_a_server_holds_the_index_the_rest_is_judged(run: Run, store: Store, tmp_path: Path) -> None:
    run("drift", str(write_photos(tmp_path / "usual", 0)), "--new-baseline")
    index, thumbnails = open_folder(store.current("index"))
    try:
        answer = found(run, write_photos(tmp_path / "now", 300))
    finally:
        index.close()
        thumbnails.close()
    assert answer["drifted"] is False
    assert "similarity" not in answer["quantities"]
    assert "a server that has it tells" in answer["without_index"]


def test_of_many_photos_some_are_the_baseline(
    run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshelf.pipelines.drift.MOST_PHOTOS", 25)
    run("drift", str(write_photos(tmp_path / "usual", 0, number=60)), "--new-baseline")
    card = ModelCard.read(store.current("models"))
    assert len(Baseline.read(store.current("models"), card)) == 20


def test_the_commands_of_the_docs_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.chdir(tmp_path)
    write_photos(tmp_path / "photos-of-may", 0, number=60)
    write_photos(tmp_path / "photos-of-june", 300, number=60)
    blocks = re.findall(r"```sh\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    commands = [line.split("#")[0].split("|")[0] for block in blocks for line in block.splitlines()]
    told = [shlex.split(command) for command in commands if command.startswith("snapshelf drift")]
    assert len(told) >= 3
    told.sort(key=lambda words: "--new-baseline" not in words)
    for words in told:
        place = words.index("--store")
        rest = [*words[1:place], *words[place + 2 :]]
        if rest == ["drift", "--new-baseline"]:
            continue  # the validation photos, which this store lacks: tests/pipeline/test_train.py
        assert run(*rest)[0] == 0
