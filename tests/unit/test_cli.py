"""The command line: results on standard output, everything else on standard error, exit codes that can be trusted."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from snapshelf import cli
from snapshelf.artifacts.store import Store
from snapshelf.cli.options import PhotoFormat
from snapshelf.data.sources import FORMATS
from tests.tiny_store import COLOURS, build_tiny_store, photo, write_model


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the command line in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["snapshelf", *map(str, arguments)])
    try:
        cli.main()
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def test_help_imports_no_engine() -> None:
    heavy = "torch", "onnxruntime", "fastapi", "qdrant_edge", "ray", "sklearn", "pyarrow"
    code = (
        "import sys; sys.argv = ['snapshelf', '--help']\n"
        "from snapshelf import cli\n"
        "try: cli.main()\n"
        f"except SystemExit: pass\nprint([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "prepare" in done.stdout


def test_serving_imports_no_torch() -> None:
    code = "import sys, snapshelf.web.server; print([n for n in ('torch', 'timm', 'sklearn') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_init_writes_a_config_that_can_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run(monkeypatch, "init", tmp_path / "shop", "--name", "Schuhe & mehr") == 0
    assert 'name = "Schuhe & mehr"' in (tmp_path / "shop" / "snapshelf.toml").read_text("utf-8")


def test_init_never_overwrites(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "snapshelf.toml").write_text("# mine")
    assert run(monkeypatch, "init", tmp_path) == 2
    assert (tmp_path / "snapshelf.toml").read_text() == "# mine"
    assert "is there already" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("train",),
        ("evaluate",),
        ("recommend", "photo.jpg"),
        ("serve", "--port", "0"),
        ("index",),
        ("orders",),
        ("orders", "no-such-table.csv"),
        ("prepare", "no-such-folder"),
        ("models", "use", "nothing"),
        ("prepare", ".", "--format", "stone-tablets"),
        ("recommend",),
    ],
)
def test_bad_use_is_exit_2_with_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert captured.err.strip()


def test_without_the_extra_that_it_needs_an_option_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "snapshelf.pipelines.ray_workers", raising=False)
    assert run(monkeypatch, "index", tmp_path / "catalogue", "--store", store.root, "--ray", "local") == 2
    assert "--ray needs ray, which is not installed. Run: pip install 'snapshelf[ray]'" in capfd.readouterr().err


def test_a_store_without_a_model_names_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "serve", "--store", tmp_path) == 2
    assert "has no model yet. Run: snapshelf train --store" in capfd.readouterr().err.replace("\n", " ")


def test_recommend_answers_as_the_api_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    photo(COLOURS["red thing"], 77).save(tmp_path / "mine.png")
    capfd.readouterr()
    assert run(monkeypatch, "recommend", tmp_path / "mine.png", "--store", store.root, "--top-k", 3, "--json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["prediction"]["label"] == "red thing"
    assert [each["product"]["category"] for each in answer["recommendations"]] == ["red thing"] * 3


def test_a_bad_photo_among_good_ones_is_named_and_the_others_answered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    good, bad = tmp_path / "good.png", tmp_path / "bad.jpg"
    photo(COLOURS["blue thing"], 5).save(good)
    bad.write_text("no photo")
    capfd.readouterr()
    assert run(monkeypatch, "recommend", bad, good, tmp_path / "none.jpg", "--store", store.root, "--json") == 2
    captured = capfd.readouterr()
    first, second, third = json.loads(captured.out)["results"]
    assert "Not a picture" in first["error"]
    assert second["prediction"]["label"] == "blue thing"
    assert "Cannot read" in third["error"]
    assert "bad.jpg" in captured.err


def test_recommend_for_people_is_a_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    photo(COLOURS["green thing"], 5).save(tmp_path / "mine.png")
    capfd.readouterr()
    assert run(monkeypatch, "recommend", tmp_path / "mine.png", "--store", store.root) == 0
    shown = capfd.readouterr().out
    assert "green thing (confident" in shown
    assert "Green Thing 1" in shown


def test_an_index_of_another_model_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    write_model(store.folder("models", "tiny-2"), "tiny-2")
    photo(COLOURS["red thing"]).save(tmp_path / "mine.png")
    store.use("models", "tiny-2")
    capfd.readouterr()
    assert run(monkeypatch, "recommend", tmp_path / "mine.png", "--store", store.root) == 2
    said = capfd.readouterr().err.replace("\n", " ")
    assert "made by the model tiny-1, but the model in use is tiny-2" in said
    assert "snapshelf index CATALOGUE" in said


def test_rolling_a_model_back_brings_its_index_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    first_index = store.current("index").name
    write_model(store.folder("models", "tiny-2"), "tiny-2")
    store.use("models", "tiny-2")
    assert run(monkeypatch, "index", tmp_path / "catalogue" / "catalogue.csv", "--store", store.root) == 0
    assert store.current("index").name != first_index
    capfd.readouterr()
    assert run(monkeypatch, "models", "use", "tiny-1", "--store", store.root) == 0
    assert first_index in capfd.readouterr().err
    assert store.current("index").name == first_index


def test_a_model_without_an_index_is_not_used_and_the_command_that_is_told_builds_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    before = store.in_use()
    write_model(store.folder("models", "tiny-2"), "tiny-2")
    capfd.readouterr()
    assert run(monkeypatch, "models", "use", "tiny-2", "--store", store.root) == 2
    assert store.in_use() == before
    said = capfd.readouterr().err
    assert "The model tiny-2 has no index, so customers would find nothing." in said
    command = shlex.split(said.partition("Run: snapshelf ")[2])
    assert run(monkeypatch, *command) == 0
    assert store.in_use() == before  # built beside, and what is served goes on
    assert "snapshelf models use tiny-2" in capfd.readouterr().err
    assert run(monkeypatch, "models", "use", "tiny-2", "--store", store.root) == 0
    assert store.in_use()[0] == "tiny-2"
    assert store.in_use()[1].startswith("tiny-2-")


def test_before_any_index_any_model_may_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path / "new")
    for name in ("tiny-1", "tiny-2"):
        write_model(store.folder("models", name), name)
    assert run(monkeypatch, "models", "use", "tiny-2", "--store", store.root) == 0
    assert "it has no index yet" in capfd.readouterr().err
    assert run(monkeypatch, "models", "use", "tiny-3", "--store", store.root) == 2


def test_models_side_by_side(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    write_model(store.folder("models", "tiny-2"), "tiny-2", with_labels=False)
    capfd.readouterr()
    assert run(monkeypatch, "models", "compare", "--store", store.root, "--json") == 0
    first, second = json.loads(capfd.readouterr().out)["models"]
    assert (first["id"], first["in_use"], first["num_classes"]) == ("tiny-1", True, 3)
    assert first["index_id"] == store.current("index").name
    assert (second["id"], second["in_use"], second["index_id"], second["num_classes"]) == ("tiny-2", False, None, 0)
    assert run(monkeypatch, "models", "compare", "tiny-2", "tiny-1", "--store", store.root) == 0
    shown = capfd.readouterr().out
    assert shown.index("tiny-2") < shown.index("tiny-1")
    assert "1.0000" in shown
    assert run(monkeypatch, "models", "compare", "tiny-9", "--store", store.root) == 2


def test_models_are_listed_with_the_one_in_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    capfd.readouterr()
    assert run(monkeypatch, "models", "list", "--store", store.root, "--json") == 0
    (row,) = json.loads(capfd.readouterr().out)["models"]
    assert (row["id"], row["in_use"], row["validation"]["accuracy"]) == ("tiny-1", True, 1.0)


def test_a_model_that_cannot_be_read_is_named_and_the_others_are_listed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = build_tiny_store(tmp_path)
    card = write_model(store.folder("models", "newer"), "newer")
    card.model_copy(update={"schema_version": 99}).write(store.folder("models", "newer"))
    capfd.readouterr()
    assert run(monkeypatch, "models", "list", "--store", store.root, "--json") == 0
    shown = capfd.readouterr()
    assert [row["id"] for row in json.loads(shown.out)["models"]] == ["tiny-1"]
    assert "newer/card.json has schema 99" in shown.err.replace("\n", "")


def test_a_port_that_is_taken_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run(monkeypatch, "serve", "--store", build_tiny_store(tmp_path).root, "--port", port) == 2
    assert f"port {port}" in capfd.readouterr().err


def test_the_command_line_takes_every_format_that_there_is() -> None:
    assert get_args(PhotoFormat) == FORMATS
