"""`snapshelf drift`: photos of now against those that the model was measured on → what has moved, and a report.

Shapes: N usual photos, M photos of now, Q quantities, S pixels a side, 3 channels, D numbers an embedding.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.adapters.index_folder import open_index
from snapshelf.artifacts.cards import ModelCard
from snapshelf.artifacts.publish import write_atomic
from snapshelf.artifacts.store import Store
from snapshelf.data.decoding import Decoded, DecodeJob, decode_photos
from snapshelf.data.facts import FACTS
from snapshelf.data.sources import Source, open_source
from snapshelf.data.sources.loose import LooseSource
from snapshelf.data.sources.options import SourceOptions
from snapshelf.drift.baseline import FILE_NAME, MOST_PHOTOS, Baseline
from snapshelf.drift.findings import class_shares, findings
from snapshelf.drift.judgement import Usual, similarities
from snapshelf.drift.outcome import Drift
from snapshelf.drift.quantities import of_picture, values
from snapshelf.errors import ArtifactMissingError, SourceError, StoreError
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.usual_photos import baseline_of_dataset, joined
from snapshelf.ports import Encoder, VectorIndex
from snapshelf.progress import console, progress
from snapshelf.reports.drift import UnusualPhoto, drift_in_html
from snapshelf.reports.page import shrunk
from snapshelf.settings import QdrantServer
from snapshelf.types import Encoding, Photo, Rejected

REPORT_HTML = "drift.html"
_BATCH = 64
_MOST_UNUSUAL = 12


@dataclass(frozen=True, slots=True)
class Eyes:
    """What looks at photos: a model, and the products that it finds, where they are at hand."""

    encoder: Encoder
    card: ModelCard
    index: VectorIndex | None


@dataclass(slots=True)
class _Seen:
    """What was seen of photos so far; `embedding_sum_D` over all of them, for their mean."""

    values: list[NDArray[np.float32]] = field(default_factory=list)
    embedding_sum_D: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    rejected: list[Rejected] = field(default_factory=list)
    unusual: list[UnusualPhoto] = field(default_factory=list)

    def values_MQ(self) -> NDArray[np.float32]:
        return np.concatenate(self.values)


def drift(  # noqa: PLR0913 (what `snapshelf drift` takes, and the model)
    store: Store,
    encoder: Encoder,
    card: ModelCard,
    source: str,
    *,
    format: str,  # noqa: A002 (the word of `--format`)
    limits: DecodeLimits,
    num_threads: int,
    server: QdrantServer | None = None,
) -> Drift:
    """Compare photos with a model's baseline and write `drift.html` into its folder.

    A model without a baseline gets one of its validation photos. The similarity to products is left out, and said to
    be, where the index cannot be opened: a running server holds it.

    Args:
        store: holds the model.
        encoder: the model.
        card: the model's.
        source: a folder of photos, in whatever folders, or any source that `prepare` takes; labels do not matter.
        format: the source's format.
        limits: photos beyond these are rejected.
        num_threads: how many photos are decoded at a time.
        server: where the index is, if not in the store.

    Raises:
        ArtifactMissingError: there is no baseline and nothing to make it of.
        ArtifactMismatchError: the baseline is broken or another model's.
        SourceError: the source is not there, or none of its photos can be used.
    """
    folder = store.folder("models", card.id)
    baseline = _baseline(store, encoder, card, folder)
    job = _job(store, card, source, format, limits, num_threads)
    with _products(store, card, server) as (index, without_index):
        usual_similarity_N = None if index is None else similarities(index, baseline.embedding_ND)
        usual = Usual(baseline, card.labels, usual_similarity_N)
        seen = _look(Eyes(encoder, card, index), job, usual.mean_D, source)
    values_MQ = seen.values_MQ()
    shifts = usual.shifts(values_MQ)
    embedding = usual.embedding_shift(seen.embedding_sum_D / len(values_MQ), len(values_MQ))
    found = Drift(
        model_id=card.id,
        source=source,
        baseline=baseline.photos,
        usual_NQ=usual.values_NQ,
        values_MQ=values_MQ,
        shifts=shifts,
        embedding=embedding,
        findings=findings(usual, values_MQ, shifts, embedding),
        classes=class_shares(usual, values_MQ),
        rejected=sorted(seen.rejected, key=lambda bad: bad.path),
        without_index=without_index,
        report_path=folder / REPORT_HTML,
    )
    write_atomic(found.report_path, drift_in_html(found, seen.unusual))
    _say(found)
    return found


def new_baseline(
    store: Store,
    encoder: Encoder,
    card: ModelCard,
    source: str | None,
    *,
    format: str,  # noqa: A002 (the word of `--format`)
    limits: DecodeLimits,
    num_threads: int,
) -> Baseline:
    """Make a model's baseline anew: of the photos that it was measured on, or of a source's.

    Raises:
        ArtifactMissingError: no source is named, and the photos that the model was measured on are not there.
        SourceError: the source is not there, or none of its photos can be used.
    """
    if source is None:
        baseline = baseline_of_dataset(store, encoder, card)
    else:
        job = _job(store, card, source, format, limits, num_threads)
        total = sum(1 for _ in job.photos())
        parts, encodings = _Seen(), []
        every = max(1, -(-total // MOST_PHOTOS))
        eyes = Eyes(encoder, card, None)
        for batch in _batches(decode_photos(itertools.islice(_photos(job, parts), 0, None, every), job), parts):
            encodings.append(encoder.encode(np.stack([photo.pixels_SSC for photo in batch])))
            parts.values.append(_values(eyes, batch, encodings[-1]))
        _check_any(parts, source)
        words = f"{sum(map(len, parts.values)):,} photos of {source}"
        baseline = Baseline(card.onnx_sha256, words, parts.values_MQ(), joined(encodings).embedding_ND)
        _say_rejected(parts.rejected)
    path = store.folder("models", card.id)
    baseline.write(path)
    console.print(f"From now on, {baseline.photos} are what is usual: {path / FILE_NAME}", markup=False)
    return baseline


def _baseline(store: Store, encoder: Encoder, card: ModelCard, folder: Path) -> Baseline:
    if (folder / FILE_NAME).exists():
        return Baseline.read(folder, card)
    baseline = baseline_of_dataset(store, encoder, card)
    baseline.write(folder)
    console.print(f"The model had no baseline; it was made of {baseline.photos}.", markup=False)
    return baseline


def _job(
    store: Store, card: ModelCard, source: str, format_name: str, limits: DecodeLimits, num_threads: int
) -> DecodeJob:
    opened: Source
    opened, reason = open_source(source, format_name, SourceOptions.of(store.config(), store.downloads))
    if opened.format == "folder":
        opened, reason = LooseSource(Path(source)), f"Reading every photo in {source}."
    console.print(reason, markup=False)
    return DecodeJob(opened, card.preprocess, limits, num_threads)


@contextlib.contextmanager
def _products(
    store: Store, card: ModelCard, server: QdrantServer | None
) -> Iterator[tuple[VectorIndex | None, str | None]]:
    """The index in use, or why it is not looked into."""
    try:
        _, index, thumbnails = open_index(store, card, server)
    except ArtifactMissingError:
        yield None, "there is no index yet"
        return
    except StoreError as error:
        yield None, f"the index cannot be opened; a server that has it tells the similarity at /metrics ({error})"
        return
    try:
        yield index, None
    finally:
        index.close()
        thumbnails.close()


def _look(eyes: Eyes, job: DecodeJob, usual_mean_D: NDArray[np.float64], source: str) -> _Seen:
    seen, total = _Seen(), sum(1 for _ in job.photos())
    with progress("Photos", total) as step:
        for batch in _batches(decode_photos(_photos(job, seen), job), seen):
            encoding = eyes.encoder.encode(np.stack([photo.pixels_SSC for photo in batch]))
            seen.values.append(_values(eyes, batch, encoding))
            seen.embedding_sum_D = seen.embedding_sum_D + encoding.embedding_ND.sum(axis=0, dtype=np.float64)
            _note_unusual(seen, batch, encoding, usual_mean_D)
            step(len(batch))
    _check_any(seen, source)
    return seen


def _photos(job: DecodeJob, seen: _Seen) -> Iterator[Photo]:
    for row in job.source.rows():
        if isinstance(row, Rejected):
            seen.rejected.append(row)
        else:
            yield row


def _batches(decoded: Iterator[Decoded | Rejected], seen: _Seen) -> Iterator[list[Decoded]]:
    """Photos, so many at a time; what cannot be used goes to `rejected`."""
    batch: list[Decoded] = []
    for each in decoded:
        if isinstance(each, Rejected):
            seen.rejected.append(each)
            continue
        batch.append(each)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _values(eyes: Eyes, batch: list[Decoded], encoding: Encoding) -> NDArray[np.float32]:
    facts = [np.frombuffer(photo.facts, FACTS)[0] for photo in batch]
    pictures = [
        of_picture(photo.pixels_SSC, (int(fact["width_px"]), int(fact["height_px"])))
        for photo, fact in zip(batch, facts, strict=True)
    ]
    near_M = np.full(len(batch), np.nan) if eyes.index is None else similarities(eyes.index, encoding.embedding_ND)
    return values(encoding, eyes.card.temperature, near_M, pictures)


def _note_unusual(seen: _Seen, batch: list[Decoded], encoding: Encoding, usual_mean_D: NDArray[np.float64]) -> None:
    """Keep the photos that are least familiar, or farthest from the usual where the model knows no categories."""
    familiar_M = encoding.familiarity_N
    if familiar_M is None:
        familiar_M = (encoding.embedding_ND @ usual_mean_D).astype(np.float32)
    worst = seen.unusual[-1].familiarity if len(seen.unusual) == _MOST_UNUSUAL else np.inf
    new = [
        UnusualPhoto(photo.photo.path, familiar, shrunk(photo.pixels_SSC))
        for photo, familiar in zip(batch, familiar_M.tolist(), strict=True)
        if familiar < worst
    ]
    seen.unusual = sorted([*seen.unusual, *new], key=lambda photo: photo.familiarity)[:_MOST_UNUSUAL]


def _check_any(seen: _Seen, source: str) -> None:
    if not seen.values:
        first = f"; the first is {seen.rejected[0].path}: {seen.rejected[0].reason}" if seen.rejected else ""
        raise SourceError(f"None of the photos of {source} can be used: {len(seen.rejected):,} were rejected{first}")


def _say(found: Drift) -> None:
    lines = [f"{found.num_photos:,} photos of {found.source} against {found.baseline}: {found.in_words}"]
    lines += [f"- {each.what}.\n  Perhaps: {each.cause}\n  What to do: {each.remedy}" for each in found.findings]
    if found.without_index:
        lines.append(f"The similarity to products was left out: {found.without_index}")
    for line in lines:
        console.print(line, markup=False)
    _say_rejected(found.rejected)
    console.print(f"Report: {found.report_path}", markup=False)


def _say_rejected(rejected: Sequence[Rejected]) -> None:
    if rejected:
        first = rejected[0]
        console.print(f"Could not be used: {len(rejected):,}; the first is {first.path}: {first.reason}", markup=False)
