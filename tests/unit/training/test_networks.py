from __future__ import annotations

import pytest
import torch

from snapshelf.training.networks import Network, compact_body, mini_resnet_body, seed_cnn_body, with_body


@pytest.mark.parametrize("size_px", [28, 32])
def test_own_networks_give_logits_and_the_embedding_behind_them(size_px: int) -> None:
    for body in (seed_cnn_body(size_px), compact_body(), mini_resnet_body()):
        network = with_body(body, size_px, 10).eval()
        logits_NC, embedding_ND = network(torch.rand(2, 3, size_px, size_px))
        assert embedding_ND.shape == (2, network.embedding_dim)
        assert network.head is not None
        torch.testing.assert_close(logits_NC, network.head(embedding_ND))


def test_the_seed_network_is_the_one_that_it_is_named_after() -> None:
    network = with_body(seed_cnn_body(28), 28, 10)
    shapes = [tuple(value.shape) for value in network.parameters()]
    assert shapes == [(32, 3, 3, 3), (32,), (128, 32 * 13 * 13), (128,), (10, 128), (10,)]


def test_without_classes_there_are_no_logits() -> None:
    logits_NC, embedding_ND = with_body(compact_body(), 28, 0).eval()(torch.rand(2, 3, 28, 28))
    assert logits_NC.shape == (2, 0)
    assert embedding_ND.shape[0] == 2


def test_a_fitted_head_is_taken_over() -> None:
    network = Network(torch.nn.Flatten(), 3, 2)
    network.set_head(torch.tensor([[1.0, 0, 0], [0, 2.0, 0]]), torch.tensor([0.5, 0.0]))
    logits_NC, _ = network(torch.tensor([[[[3.0]], [[4.0]], [[5.0]]]]))
    assert logits_NC.tolist() == [[3.5, 8.0]]


def test_a_network_that_looks_at_both_sides_says_the_same_of_a_photo_and_its_mirror_image() -> None:
    torch.manual_seed(0)
    network = with_body(compact_body(), 28, 4).eval()
    photos = torch.randn(3, 3, 28, 28)
    with torch.inference_mode():
        one, mirrored = network(photos), network(photos.flip(3))
        network.both_sides = True
        both, both_mirrored = network(photos), network(photos.flip(3))
    for part in (0, 1):
        torch.testing.assert_close(both[part], (one[part] + mirrored[part]) / 2)
        torch.testing.assert_close(both[part], both_mirrored[part])
    network.train()
    assert network(photos)[0].shape == (3, 4)
