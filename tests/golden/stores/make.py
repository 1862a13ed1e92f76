"""Makes a small store with an older snapshelf: photos prepared, a model and its index, remarks of customers.

    python tests/golden/stores/make.py COMMIT NAME

Runs the code of a commit, and its own `tests/tiny_store.py`, in this environment, and writes `NAME.tar.xz` beside this
file: the store's folder as that code left it. The photos that it was made of are left out; `tests.tiny_store` draws
them again. Those that are here: e0fa7b4 2026-11-22, 9b8f551 2026-11-24, 3fdb177 2026-11-25, 20dbf36 2026-11-26.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent

BEGIN = """
from pathlib import Path
from snapshelf.adapters.sqlite_feedback import Feedback, SqliteFeedback
from tests.tiny_store import COLOURS, build_tiny_store, photo

for label, colour in COLOURS.items():
    Path("photos", label).mkdir(parents=True)
    for number in range(10):
        photo(colour, number).save(Path("photos", label, f"{number}.png"))
build_tiny_store(Path())
queue = SqliteFeedback(Path("store", "feedback.sqlite"))
queue.add(Feedback("r1", "tiny-1", "red thing", helpful=False, correct_label="blue thing", comment="it is blue"))
queue.add(Feedback("r2", "tiny-1", "green thing", helpful=True))
queue.close()
"""


def make(commit: str, name: str) -> None:
    """Write one archive."""
    with tempfile.TemporaryDirectory() as folder:
        old, work = Path(folder) / "old", Path(folder) / "work"
        old.mkdir()
        work.mkdir()
        asked = ["git", "archive", commit, "src", "tests"]
        packed = subprocess.run(asked, cwd=HERE.parents[2], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "-C", old], input=packed, check=True)
        environment = os.environ | {"PYTHONPATH": f"{old / 'src'}:{old}", "GIT_CEILING_DIRECTORIES": str(old)}
        snapshelf = [sys.executable, "-m", "snapshelf"]
        for command in (
            [sys.executable, "-c", BEGIN],
            [*snapshelf, "prepare", "photos", "--store", "store", "--size", "16"],
            [*snapshelf, "evaluate", "--store", "store"],
        ):
            subprocess.run(command, cwd=work, env=environment, check=True)
        # An index is made of large files with hardly anything in them.
        sparse = ["--sparse", "--owner=0", "--group=0"]
        subprocess.run(["tar", *sparse, "-C", work, "-cJf", HERE / f"{name}.tar.xz", "store"], check=True)


if __name__ == "__main__":
    make(*sys.argv[1:])
