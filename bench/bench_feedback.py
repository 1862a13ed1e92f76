"""From customers' words to a model that knows better: a class is held back, collected by feedback, and learnt.

    python bench/bench_feedback.py PHOTOS [--held-back CLASS] [--recipe quick]

PHOTOS is a folder with `train` and `validation`, each CLASS/photo. A store is made of all classes but one, trained and
served. Each training photo of the class that is held back is then sent as a customer would: searched for, called what
it really is, and left with consent; staff accept all of it. `feedback export`, `prepare --also` and `train --from
current` make the next model, which never sees a validation photo. Both models are asked about all validation photos,
whose scores are printed. Goals: the recall of the class from 0 to at least 0.8, the accuracy on the other classes
within 1 point. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench_page import served

from snapshelf.client import Client
from snapshelf.web.feedback_schemas import FeedbackIn
from snapshelf.web.staff_schemas import ReviewIn

SNAPSHELF = [sys.executable, "-m", "snapshelf"]
KEY = "only-for-this-measurement"


def run(*command: str | Path) -> str:
    """A command of snapshelf's; its standard output."""
    done = subprocess.run([*SNAPSHELF, *map(str, command)], check=True, capture_output=True, text=True)
    return done.stdout


def without(photos: Path, held_back: str, folder: Path) -> Path:
    """A copy of the photos without one class."""
    for split in ("train", "validation"):
        for label in sorted(path for path in (photos / split).iterdir() if path.is_dir() and path.name != held_back):
            shutil.copytree(label, folder / split / label.name)
    return folder


def collect(store: Path, photos: list[Path], label: str) -> Counter[str]:
    """What customers do with each of these photos, and staff with what they say; the verdicts that customers got."""
    verdicts: Counter[str] = Counter()
    with served(store) as address, Client(address, admin_key=KEY) as client:
        for path in photos:
            answer = client.recommend(path.read_bytes())
            verdicts[answer.prediction.verdict] += 1
            said = FeedbackIn(request_id=answer.request_id, helpful=False, correct_label=label)
            receipt = client.give_feedback(said, photo=path.read_bytes())
            client.review_feedback(receipt.id, ReviewIn(state="accepted"))
    return verdicts


def scores(store: Path, photos: Path, held_back: str) -> dict[str, Any]:
    """Recall of the class, and accuracy on the others, over the validation photos."""
    found = json.loads(run("evaluate", "--store", store, "--data", photos, "--split", "validation", "--json"))
    others = {label: each for label, each in found["per_class"].items() if label != held_back}
    num = sum(each["num_photos"] for each in others.values())
    right = sum(each["recall"] * each["num_photos"] for each in others.values())
    return {"recall": found["per_class"].get(held_back, {}).get("recall", 0.0), "others": right / num, "num": num}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--held-back", default="hat")
    parser.add_argument("--recipe", default="quick")
    options = parser.parse_args()
    os.environ["SNAPSHELF_ADMIN_KEY"] = KEY
    with tempfile.TemporaryDirectory() as name:
        store, exported = Path(name) / "store", Path(name) / "exported"
        known = without(options.photos, options.held_back, Path(name) / "known")
        run("prepare", known, "--quick", "--store", store)
        run("train", "--recipe", options.recipe, "--store", store)
        run("index", known, "--split", "validation", "--store", store)
        before = scores(store, options.photos, options.held_back)
        sent = sorted((options.photos / "train" / options.held_back).iterdir())
        verdicts = collect(store, sent, options.held_back)
        run("feedback", "export", exported, "--store", store)
        run("prepare", known, "--also", exported, "--quick", "--store", store)
        run("train", "--from", "current", "--recipe", options.recipe, "--store", store)
        after = scores(store, options.photos, options.held_back)
    print(f"{len(sent)} photos of {options.held_back}, of which customers were told: {dict(verdicts)}")
    print(f"recall of {options.held_back} {before['recall']:.3f}, then {after['recall']:.3f} (goal 0.8)")
    print(f"accuracy on the {before['num']:,} others {before['others']:.4f}, then {after['others']:.4f} (goal -0.01)")
    print(json.dumps({"before": before, "after": after, "verdicts": verdicts}))


if __name__ == "__main__":
    main()
