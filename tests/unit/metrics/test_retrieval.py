from __future__ import annotations

import numpy as np
import pytest

from snapshelf.metrics.retrieval import RetrievalScores, gallery_scores, retrieval_scores


def on_a_circle(*degrees: float) -> np.ndarray:
    angle_N = np.radians(np.array(degrees))
    return np.stack([np.cos(angle_N), np.sin(angle_N)], 1).astype(np.float32)


def test_what_lies_apart_is_found_wholly() -> None:
    embedding_ND, things_N = on_a_circle(0, 1, 2, 90, 91, 92), np.array([0, 0, 0, 1, 1, 1])
    assert retrieval_scores(embedding_ND, things_N) == RetrievalScores(1.0, 1.0, 1.0, 1.0, 6)


def test_the_numbers_of_a_small_case_are_those_counted_by_hand() -> None:
    # From the photo at 0: the other thing at 10, its like at 20, its like at 40. R is 2.
    embedding_ND, things_N = on_a_circle(0, 10, 20, 40), np.array([0, 1, 0, 0])
    scores = retrieval_scores(embedding_ND, things_N)
    assert scores is not None
    assert scores.num_queries == 3  # there is no other one of thing 1
    # Nearest first: of 0: 10 20 | of 20: 10 0 | of 40: 20 10, counted to R = 2.
    assert scores.recall_at_1 == pytest.approx(1 / 3)
    assert (scores.recall_at_5, scores.recall_at_10) == (1.0, 1.0)
    assert scores.map_at_r == pytest.approx((0.5 / 2 + 0.5 / 2 + 1.0 / 2) / 3)


def test_photos_of_nothing_known_are_found_but_not_searched_for() -> None:
    embedding_ND, things_N = on_a_circle(0, 5, 20, 90), np.array([0, -1, 0, -1])
    scores = retrieval_scores(embedding_ND, things_N)
    assert scores is not None
    assert (scores.num_queries, scores.recall_at_1) == (2, 0.0)


def test_without_two_of_one_thing_there_is_nothing_to_score() -> None:
    assert retrieval_scores(on_a_circle(0, 10), np.array([0, 1])) is None
    assert retrieval_scores(on_a_circle(0, 10), np.array([-1, -1])) is None


def test_it_agrees_with_a_plain_count_on_many() -> None:
    random = np.random.default_rng(0)
    things_N = random.integers(0, 40, 700)
    embedding_ND = random.normal(size=(700, 8)).astype(np.float32)
    embedding_ND[:, 0] += things_N / 10
    embedding_ND /= np.linalg.norm(embedding_ND, axis=1, keepdims=True)
    found, precisions = [], []
    for row in range(700):
        order = [other for other in np.argsort(-(embedding_ND @ embedding_ND[row])) if other != row]
        hits = things_N[order] == things_N[row]
        relevant = int(hits.sum())
        found.append(bool(hits[:5].any()))
        precisions.append(sum(hits[: k + 1].mean() for k in range(relevant) if hits[k]) / relevant)
    scores = retrieval_scores(embedding_ND, things_N)
    assert scores is not None
    assert scores.recall_at_5 == pytest.approx(np.mean(found))
    assert scores.map_at_r == pytest.approx(np.mean(precisions))


def test_a_gallery_is_searched_without_the_queries() -> None:
    gallery_ND = np.eye(3, dtype=np.float32)
    query_QD = np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.0, 0.0, 1.0]], np.float32)
    scores = gallery_scores(query_QD, np.array([0, 0, 9]), gallery_ND, np.array([0, 1, 2]))
    assert scores is not None
    assert scores.num_queries == 2  # the gallery has nothing of the third one's
    assert (scores.recall_at_1, scores.recall_at_5, scores.map_at_r) == (0.5, 1.0, 0.5)
    assert gallery_scores(query_QD, np.array([7, 8, 9]), gallery_ND, np.array([0, 1, 2])) is None


def test_a_gallery_of_the_others_scores_as_searching_among_all_does() -> None:
    random = np.random.default_rng(0)
    embedding_ND = random.normal(size=(40, 6)).astype(np.float32)
    embedding_ND /= np.linalg.norm(embedding_ND, axis=1, keepdims=True)
    things_N = random.integers(0, 5, 40)
    alone = [
        gallery_scores(embedding_ND[[row]], things_N[[row]], np.delete(embedding_ND, row, 0), np.delete(things_N, row))
        for row in range(40)
    ]
    together = retrieval_scores(embedding_ND, things_N)
    assert together is not None
    assert np.mean([each.map_at_r for each in alone if each]) == pytest.approx(together.map_at_r)
    assert np.mean([each.recall_at_5 for each in alone if each]) == pytest.approx(together.recall_at_5)
