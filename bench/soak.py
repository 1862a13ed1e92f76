"""An hour of everything at once: does a server grow, fail, or lose anything?

    python bench/soak.py PHOTOS --store STORE --out FOLDER [--minutes 60] [--rate 5]

PHOTOS is a folder of two parts, `train` and `validation`, of folders of classes. STORE has two models that were trained
on it, which this copies into FOLDER, with a catalogue of `train`'s photos and an index for either model. Then
`snapshelf serve` answers, in a process of its own, `--rate` requests a second that come by chance (Poisson):

- customers' searches: photos of 256 to 4,000 pixels, parts of them, filters, words; some sent again; more like this,
  facets, products, pictures, the page; remarks, some with photos, some taken back;
- what is refused: no photos, damaged ones, too many bytes or pixels, wrong fields, wrong keys, no such product;
- staff: products put and removed, so that there are more by the middle and fewer at the end; remarks reviewed; lists.

Meanwhile the model is exchanged and rolled back, the index built anew, the store backed up and, at nine tenths, the
server ended and started again. Every five seconds FOLDER/soak.jsonl gets a line with the server's memory, handles,
threads, the store's size, latencies and outcomes; every event and every unexpected answer gets one, too.

`bench/soak_report.py` reads that file, prints what is checked, and draws it; it is run at the end.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import soak_report
from soak_customers import Customers, Pictures
from soak_ledger import Catalogue, Ledger, Outcomes, feedback_states
from soak_server import KEY, Journal, Sampler, Server
from soak_staff import Staff

from snapshelf.client import Client

CATALOGUE_PHOTOS = 1200


class Soak:
    """One run: what happens in which order, and what is checked in between."""

    def __init__(
        self, server: Server, journal: Journal, catalogue: Catalogue, pictures: Pictures, minutes: float
    ) -> None:
        self.server, self.journal, self.catalogue = server, journal, catalogue
        self.outcomes = Outcomes(journal)
        self.ledger = Ledger(catalogue, server)
        self.client = Client(server.address, admin_key=KEY, timeout_s=60)
        self.customers = Customers(self.client, server, pictures, self.ledger, self.outcomes)
        self.staff = Staff(self.client, pictures, self.ledger, self.outcomes, self.share)
        self._began, self._seconds = time.monotonic(), minutes * 60
        self._references = pictures.references
        self._answers: dict[str, list[object]] = {}

    def share(self) -> float:
        """Of the time that is over."""
        return (time.monotonic() - self._began) / self._seconds

    # Load

    def begin(self) -> None:
        """The time runs from now on."""
        self._began = time.monotonic()

    def load(self, rate: float) -> None:
        """Requests by chance until the end; one that finds others under way waits for none of them."""
        draw = random.Random(0)
        due = self._began
        with ThreadPoolExecutor(32) as threads:
            while (due := due + draw.expovariate(rate)) < self._began + self._seconds:
                time.sleep(max(0.0, due - time.monotonic()))
                kind = self.staff if draw.random() < 0.1 else self.customers
                threads.submit(self._guarded, kind.something, random.Random(draw.random()))

    def _guarded(self, what: Callable[..., None], *arguments: object) -> None:
        try:
            what(*arguments)
        except Exception:
            self.journal.write("unexpected", what="the soak itself", detail=traceback.format_exc(limit=3))

    # Events

    def use(self, model_id: str) -> None:
        """`snapshelf models use`, and how long until the server answers by it."""
        started = time.monotonic()
        self._command("models", "use", model_id, "--store", str(self.server.store))
        named = time.monotonic()
        while self.client.recommend(self._references[0], top_k=1).model_id != model_id:
            if time.monotonic() - named > 60:
                raise TimeoutError(f"the server does not follow to {model_id}")
            time.sleep(0.05)
        self._event("model", started, model=model_id, followed_s=round(time.monotonic() - named, 2))
        self.check(f"after the model {model_id} was put in use")

    def rebuild(self) -> None:
        """`snapshelf index CATALOGUE --replace` of the model in use; what staff change meanwhile must not be lost."""
        started = time.monotonic()
        before = self.server.index_served()
        with self.ledger.still:  # whether a change is before or after the catalogue was read would be anybody's guess
            process = self._begin(
                "index", str(self.catalogue.path), "--replace", "--store", str(self.server.store)
            )  # fmt: skip
            while not list(self.server.store.glob("index/.building-*/card.json")) and process.poll() is None:
                time.sleep(0.02)
            self.ledger.begin_anew()
        self._end(process)
        built = time.monotonic()
        while self.server.index_served() == before and time.monotonic() - built < 60:
            time.sleep(0.05)
        followed_s = round(time.monotonic() - built, 2)
        self.ledger.begun_anew()
        self._event("rebuild", started, followed_s=followed_s)
        self.check("after the index was built anew")

    def back_up(self) -> None:
        """`snapshelf backup` beside the server, restored, and its feedback counted."""
        started = time.monotonic()
        archive = self.server.store.parent / "backup.tar"
        known = self.ledger.feedback_ids()
        self._command(
            "backup", str(archive), "--without-index", "--without-datasets", "--store", str(self.server.store)
        )
        restored = self.server.store.parent / "restored"
        self._command("restore", str(archive), "--store", str(restored))
        if missing := known - feedback_states(restored / "feedback.sqlite").keys():
            self.journal.write("unexpected", what="a back-up lacks feedback", detail=str(sorted(missing)[:5]))
        size_mb = archive.stat().st_size / 1e6
        archive.unlink()
        shutil.rmtree(restored)
        self._event("backup", started, size_mb=round(size_mb, 1), feedback=len(known))

    def restart(self) -> None:
        """SIGTERM as an operator sends it, and the same server again."""
        started = time.monotonic()
        self.outcomes.restarting = True
        ended_s = self.server.stop()
        self.server.start()
        time.sleep(1.0)
        self.outcomes.restarting = False
        self._event("restart", started, ended_s=round(ended_s, 2))
        self.check("after the restart")

    def check(self, when: str) -> None:
        """Nothing is lost, and known photos are answered as before; both while the load goes on."""
        with self.ledger.still:
            wrong = self.ledger.compare(self.client)
        answers = [self._answer(photo) for photo in self._references]
        model_id = self.client.recommend(self._references[0], top_k=1).model_id
        same = self._answers.setdefault(model_id, answers) == answers
        if not same:
            self.journal.write("answers", model=model_id, first=self._answers[model_id], now=answers)
        self.journal.write(
            "check", when=when, lost=wrong, same_answers=same, products=len(self.ledger.everywhere()),
            feedback=len(self.ledger.feedback_ids()),
        )  # fmt: skip
        say(f"{when}: {len(wrong)} lost{'' if same else '; other answers than before'}")

    def _answer(self, photo: bytes) -> object:
        """What is said of a photo, and the nearest products among those that staff do not touch."""
        said = self.client.recommend(photo, top_k=5, attribute=["kept:always"])
        found = [(each.product.id, round(each.similarity, 2)) for each in said.recommendations]
        return [said.prediction.label, round(said.prediction.probability, 3), said.prediction.verdict, found]

    def _event(self, name: str, started: float, **said: object) -> None:
        self.journal.write("event", name=name, seconds=round(time.monotonic() - started, 2), **said)
        say(f"{name}: {time.monotonic() - started:.1f} s {said}")

    def _command(self, *arguments: str) -> None:
        self._end(self._begin(*arguments))

    def _begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "snapshelf", *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
            text=True,
        )  # fmt: skip

    def _end(self, process: subprocess.Popen[str]) -> None:
        said = process.communicate()[1]
        if process.returncode:
            self.journal.write("unexpected", what=f"exit {process.returncode} of {process.args!r}", detail=said[-500:])

    def events(self, one: str, other: str) -> None:
        """What happens when, as a share of the time, to the end."""
        plan: list[tuple[Any, ...]] = [
            (0.10, self.use, other),
            (0.13, self.use, one),
            (0.20, self.rebuild),
            (0.30, self.back_up),
            (0.36, self.use, other),
            (0.44, self.rebuild),
            (0.52, self.use, one),
            (0.60, self.rebuild),
            (0.68, self.back_up),
            (0.74, self.use, other),
            (0.77, self.use, one),
            (0.83, self.rebuild),
            (0.90, self.restart),
            (0.95, self.use, other),
            (0.97, self.use, one),
        ]
        for share, event, *arguments in plan:
            time.sleep(max(0.0, self._began + share * self._seconds - time.monotonic()))
            self._guarded(event, *arguments)


def say(text: str) -> None:
    """On standard error, with the time."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def write_catalogue(photos: Path, path: Path) -> Catalogue:
    """A table of some of the photos, copied beside it, with prices, stock and attributes."""
    path.parent.mkdir()
    draw = random.Random(1)
    files = sorted(photos.glob("train/*/*.jpg"))
    rows = {}
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "title", "category", "price", "currency", "in_stock", "url", "image", "brand", "kept"])
        for number, photo in enumerate(draw.sample(files, min(CATALOGUE_PHOTOS, len(files)))):
            title = f"{photo.parent.name.title()} {number}"
            shutil.copyfile(photo, path.with_name(f"{number}.jpg"))
            kept = "always" if number % 5 else "perhaps"
            rows[f"c{number:04}"] = (title, photo.parent.name, kept == "always")
            table.writerow([
                f"c{number:04}", title, photo.parent.name, round(draw.uniform(5, 200), 2), "EUR",
                "true" if draw.random() < 0.8 else "false", f"https://shop.example/c{number:04}", f"{number}.jpg",
                draw.choice(["Acme", "Other", "Third"]), kept,
            ])  # fmt: skip
    return Catalogue(path, rows)


def prepared(store: Path, catalogue: Catalogue) -> list[str]:
    """An index for each of the store's two models; the first model is in use. Returns their ids."""
    models = sorted(path.parent.name for path in store.glob("models/*/card.json"))
    if len(models) != 2:
        sys.exit(f"{store} has {len(models)} models; expected two: train on PHOTOS, then on PHOTOS/train.")
    snapshelf = [sys.executable, "-m", "snapshelf"]
    for model_id in models:
        subprocess.run(
            [*snapshelf, "index", catalogue.path, "--model", model_id, "--store", store], check=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
    subprocess.run([*snapshelf, "models", "use", models[0], "--store", store], check=True, stderr=subprocess.DEVNULL)
    return models


def main() -> None:
    """Run, then report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=5.0)
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    store = options.out / "store"
    shutil.copytree(options.store, store, ignore=shutil.ignore_patterns("datasets", "index", "downloads"))
    catalogue = write_catalogue(options.photos, options.out / "catalogue" / "products.csv")
    models = prepared(store, catalogue)
    pictures = Pictures(sorted(options.photos.glob("validation/*/*.jpg")))
    journal = Journal(options.out / "soak.jsonl")
    cores = len(os.sched_getaffinity(0))
    journal.write("run", minutes=options.minutes, rate=options.rate, cores=cores, products=len(catalogue.rows))
    server = Server(store, options.out / "server.log")
    server.start()
    soak = Soak(server, journal, catalogue, pictures, options.minutes)
    for model_id in models[::-1]:
        soak.use(model_id)  # what each of them says at the beginning
    soak.begin()
    sampler = Sampler(server, journal, soak.outcomes)
    load = threading.Thread(target=soak.load, args=(options.rate,))
    load.start()
    try:
        soak.events(*models)
        load.join()
        soak.check("at the end")
    finally:
        sampler.end()
        server.stop()
    errors = [line for line in server.log.read_text("utf-8").splitlines() if '"level": "error"' in line]
    journal.write("end", log_errors=len(errors), first=errors[:1])
    sys.exit(soak_report.main([str(journal.path)]))


if __name__ == "__main__":
    main()
