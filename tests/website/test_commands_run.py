"""Every command that the documentation has people type is run here, on a shop in miniature, or by what ELSEWHERE says.

Each page begins with the same shop, and its commands are run one after the other, as a reader would.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from pydantic import SecretStr

from snapshelf import cli
from snapshelf.adapters.sqlite_feedback import Feedback, SqliteFeedback
from snapshelf.artifacts.store import Store
from snapshelf.client import Client
from snapshelf.settings import Settings
from snapshelf.wiring import open_shelf
from tests.serving import served
from tests.website.documented import PAGES, ROOT, Command, blocks, typed
from tests.website.world import link_into, write_world

ADDRESS = "http://127.0.0.1:8000"
KEY = "a-key-of-the-tests-alone"
ELSEWHERE = {
    "make demo": "the journey on Fashion-MNIST takes minutes; its steps: tests/pipeline/test_journey.py",
    "make": "this runs within `make test`; what targets there are: test_commands.py",
    "pip install": "what extras there are: test_commands.py; the locks install them all",
    "ray": "make test-ray starts a Ray of its own",
    "export RAY_AUTH_MODE": "a setting of Ray",
    "snapshelf index feed.xml --ray": "make test-ray: tests/pipeline/test_index_on_ray.py",
    "snapshelf index feed.xml --store shop --ray": "make test-ray: tests/pipeline/test_index_on_ray.py",
    "snapshelf export --to litert": "make test-litert: tests/pipeline/test_export.py",
    "snapshelf train --backbone": "weights of hundreds of MB: tests/unit/training/test_weights.py",
    "snapshelf models add": "a network of its own: tests/pipeline/test_add_model.py",
    "python keras_fashion.py": "make test-keras: tests/pipeline/test_add_model.py",
    "snapshelf prepare fashion-mnist": "make demo; its reading: tests/unit/data/sources",
    "docker": "an engine that runs images; what they name: tests/deploy",
    "systemctl": "a machine's own services; what they name: tests/deploy",
    "cp deploy/nginx/snapshelf.conf": "nginx before two servers: tests/deploy",
    "kubectl": "a cluster; what the manifests name: tests/deploy",
    "python deploy/ray_train.py": "make test-ray starts a Ray of its own",
    "python bench/soak.py": "an hour; its options: test_commands.py",
    "python bench/soak_report.py": "what the hour wrote; its options: test_commands.py",
    "torchrun": "two processes: tests/unit/training/test_processes.py",
}
"""How commands begin that are not run here, and what runs them, or why nothing can."""

WITH_COMMANDS = [page for page in PAGES if any(typed(page))]
MODEL_IDS = {"MODEL_ID", "compact-quick-1a2b3c4d"}


def elsewhere(command: Command) -> str | None:
    """The beginning of ELSEWHERE that a command has."""
    text = " ".join(command.program())
    return next((begin for begin in ELSEWHERE if f"{text} ".startswith((f"{begin} ", f"{begin}="))), None)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop: its store is prepared, trained and indexed. Tests take copies."""
    root = tmp_path_factory.mktemp("documented")
    write_world(root)
    (root / "shop").mkdir()
    (root / "shop" / "snapshelf.toml").write_text('name = "Shop"\n', "utf-8")
    shop = ["--store", str(root / "shop")]
    for words in (
        ["prepare", str(root / "photos"), *shop],
        ["train", *shop],
        ["index", str(root / "catalogue.csv"), *shop],
        ["orders", str(root / "orders.csv"), *shop],
    ):
        assert run(words) == 0
    queue = SqliteFeedback(Store(root / "shop").feedback_path)
    said = queue.add(Feedback("r", correct_label="sandal", helpful=False), (root / "shoe.jpg").read_bytes())
    queue.review(said.id, "accepted")
    queue.close()
    return root


@pytest.fixture
def copied(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop that a page may change, and the current folder within its store."""
    shutil.copytree(world, tmp_path / "world")
    link_into(tmp_path / "world", tmp_path / "world" / "shop")
    monkeypatch.chdir(tmp_path / "world" / "shop")
    return tmp_path / "world"


def run(words: list[str]) -> int:
    """Run the command line in this process; its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["snapshelf", *words])
        patch.setenv("SNAPSHELF_THREADS", "1")  # threads that wait for each other are slow on a busy machine
        try:
            cli.main()
        except SystemExit as leaving:
            return int(leaving.code or 0)
    return 0


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=[str(page.relative_to(ROOT)) for page in WITH_COMMANDS])
def test_the_commands_of_a_page_do_what_it_says(page: Path, copied: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asked: list[Command] = []
    for commands in typed(page):
        for command in commands:
            words = command.program()
            if elsewhere(command):
                continue
            if words[0] == "curl":
                asked.append(command)
            elif words[:2] == ["snapshelf", "serve"]:
                check_serving(command, copied)
            elif words[0] == "snapshelf":
                check_command(command, copied, capfd)
            elif words[0] == "cd":
                enter(copied, words[1])
            else:
                pytest.fail(f"{command.where}: {command.text}: say in ELSEWHERE what runs it, or run it here")
    if asked:
        check_asking(asked, copied)


def check_command(command: Command, world: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = [model_id(world) if word in MODEL_IDS else word for word in command.program()[1:]]
    if words[0] == "init":
        os.chdir(world)
        shutil.rmtree(words[1])
    elif words[0] == "restore" or ("--store" in words and Path.cwd() != world):
        os.chdir(world)
    if words[0] == "backup":
        Path(words[1]).unlink(missing_ok=True)  # a page may write the same back-up twice, in two ways
    with pytest.MonkeyPatch.context() as patch:
        for name, value in command.settings().items():
            patch.setenv(name, value)
        code = run(words)
    assert code == 0, f"{command.where}: {command.text}\n{capfd.readouterr().err}"


def model_id(world: Path) -> str:
    return Store(world / "shop").current("models").name


def enter(world: Path, name: str) -> None:
    os.chdir(name)
    link_into(world, Path.cwd())


def check_serving(command: Command, world: Path) -> None:
    """The server starts with these options, but at a port that is free, is ready, and ends when it is told to."""
    words = command.program()[1:]
    for name, value in {"--port": "0", "--host": "127.0.0.1"}.items():
        words = [value if before == name else word for before, word in zip(["", *words], words, strict=False)]
        words += [] if name in words else [name, value]
    words = [
        str(world / "shop") if before == "--store" else word for before, word in zip(["", *words], words, strict=False)
    ]
    words = [model_id(world) if word in ("ID", *MODEL_IDS) else word for word in words]
    environment = {name: KEY if "$(" in value else value for name, value in command.settings().items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "snapshelf", *words],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment | {"COLUMNS": "200", "SNAPSHELF_ENGINE": "onnxruntime", "SNAPSHELF_THREADS": "1"},
    )
    assert process.stderr
    try:
        said = ""
        for line in process.stderr:
            said += line
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                with urllib.request.urlopen(f"{found[0]}/readyz") as answer:
                    assert answer.status == 200
                break
        else:
            pytest.fail(f"{command.where}: {command.text}\n{said}")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM, f"{command.where}: {command.text}"
    finally:
        process.kill()
        process.stderr.close()


def check_asking(commands: list[Command], world: Path) -> None:
    """curl asks a real server, whose answer must be no problem."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    os.chdir(world)
    settings = Settings(threads=1, engine="onnxruntime", admin_key=SecretStr(KEY))
    store = Store(world / "shop")
    with served(open_shelf(store, settings), settings, store=store) as address, Client(address) as client:
        request_id = client.recommend(Path("shoe.jpg").read_bytes()).request_id
        known = {"5f0c…": request_id, "feedback/17/": "feedback/1/", "compact-quick-1a2b3c4d": model_id(world)}
        for command in commands:
            text = command.text.replace(ADDRESS, address).replace("curl ", "curl -sS --fail-with-body ", 1)
            for shown, real in known.items():
                text = text.replace(shown, real)
            done = subprocess.run(
                ["bash", "-c", text],
                capture_output=True,
                check=False,
                env=os.environ | {"SNAPSHELF_ADMIN_KEY": KEY, "no_proxy": "127.0.0.1"},
            )
            said = done.stdout.decode(errors="replace") + done.stderr.decode()
            assert done.returncode == 0, f"{command.where}: {command.text}\n{said}"
            if '"undo_token"' in said:
                given = json.loads(said)
                known |= {"kT2mZ6cW…": given["undo_token"], "feedback/17": f"feedback/{given['id']}"}


def test_python_that_asks_a_server_gets_an_answer(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That of docs/export.md and docs/models.md is run by tests/pipeline/test_export.py and test_add_model.py."""
    python = [block for page in PAGES for block in blocks(page) if block.language == "python"]
    asking = [block for block in python if block.page not in ("docs/export.md", "docs/models.md")]
    os.chdir(copied)
    settings = Settings(threads=1, engine="onnxruntime")
    with served(open_shelf(Store(copied / "shop"), settings), settings) as address:
        for block in asking:
            code = compile(block.code.replace(ADDRESS, address), f"{block.page}:{block.line}", "exec")
            exec(code, {})
    assert "sneaker" in capsys.readouterr().out


def test_every_exception_is_needed() -> None:
    used = {elsewhere(command) for page in PAGES for commands in typed(page) for command in commands}
    assert set(ELSEWHERE) <= used
