"""What a network answers and costs: checked against counting by hand."""

import copy

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import nets
from voxprune.networks import cost, evaluation
from voxprune.networks.build import build_network
from voxprune.networks.checkpoint import save_checkpoint
from voxprune.networks.cost import network_cost
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method
from voxprune.voxels.dataset import Voxels
from voxprune.voxels.voxelize import pack


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build_network("original", 8, ["a", "b", "c"])


def test_accuracy_balanced_and_per_class():
    labels = np.array([0, 0, 0, 0, 1, 1])
    found = evaluation.accuracies(np.array([0, 0, 0, 1, 1, 0]), labels, ["a", "b", "c"])
    assert found["accuracy_percent"] == pytest.approx(100 * 4 / 6)
    assert found["per_class_accuracy_percent"] == {"a": 75.0, "b": 50.0}
    assert found["balanced_accuracy_percent"] == 62.5


def test_macs_are_those_of_the_formula(network):
    assert cost.macs_by_layer(network) == {
        "conv1": 27 * 16 * 4**3, "conv2": 27 * 16 * 32 * 4**3, "fc1": 32 * 2**3 * 128, "fc2": 128 * 3,
    }  # fmt: skip


@pytest.mark.parametrize("name", nets.ALL)
def test_macs_are_those_of_torchs_counter(name):
    network = nets.build(name)
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, 16, 16, 16))
    assert 2 * sum(cost.macs_by_layer(network).values()) == counter.get_total_flops()


def test_effective_macs_leave_zeros_out(network):
    full = network_cost(network)
    masked, _ = prune(network, Method("weight", "l1", "layer", "mask"), 50, None)
    found = network_cost(masked)
    convolutions = 27 * 16 * 4**3 + 27 * 16 * 32 * 4**3
    assert found["macs"] == full["macs"] == full["effective_macs"]
    assert found["effective_macs"] == full["macs"] - convolutions // 2
    assert cost.removed_percent(full, found) == pytest.approx({"weights": 50, "filters": 0, "macs": 0, "parameters": 0})


def test_what_removal_took(network):
    inputs = Sample((torch.rand(2, 1, 8, 8, 8) < 0.3).float(), torch.zeros(2, dtype=torch.int64), 0)
    removed, _ = prune(network, Method("filter", "l1", "layer", "remove"), 50, inputs)
    own, full = network_cost(removed), network_cost(network)
    macs = 27 * 8 * 4**3 + 27 * 8 * 16 * 4**3 + 16 * 2**3 * 128 + 128 * 3
    assert own["macs"] == own["effective_macs"] == macs
    assert own["parameters"] == sum(tensor.numel() for tensor in removed.state_dict().values())
    found = cost.removed_percent(full, own)
    assert found["filters"] == 50 and found["macs"] == pytest.approx(100 * (1 - macs / full["macs"]))


@pytest.mark.parametrize("apply", ["mask", "remove"])
def test_collapse_is_told(network, apply):
    inputs = Sample(torch.ones(1, 1, 8, 8, 8), torch.zeros(1, dtype=torch.int64), 0)
    method = Method("filter", "l1", "layer", apply)
    assert not evaluation.collapsed(prune(network, method, 90, inputs)[0])
    everything, _ = prune(network, method, 100, inputs)
    assert evaluation.collapsed(everything)
    assert network_cost(everything)["filters"] == 0


def test_a_layer_with_a_way_around_it_may_keep_nothing():
    network, inputs = nets.build("resnet3d"), (torch.rand(4, 1, 16, 16, 16) < 0.3).float()
    with torch.no_grad():
        network.block1.conv1.weight.zero_()
        assert not evaluation.collapsed(network) and network(inputs).std(dim=0).min() > 1e-4
        network.block2.conv2.weight.zero_()
        network.block2.shortcut[0].weight.zero_()
        assert evaluation.collapsed(network) and network(inputs).std(dim=0).max() < 1e-6


def test_layers_that_keep_something_may_still_let_nothing_through(network):
    """The one filter left of the first layer isn't the one that the second layer looks at."""
    with torch.no_grad():
        network.conv1.weight[1:], network.conv2.weight[:, :1] = 0, 0
        assert evaluation.collapsed(network)
        network.conv2.weight[3, 0, 1, 1, 1] = -1e-6
        assert not evaluation.collapsed(network)


@pytest.mark.parametrize("name", nets.ALL)
def test_judging_collapse_changes_nothing(name):
    network = nets.build(name)
    before = copy.deepcopy(network.state_dict())
    assert not evaluation.collapsed(network)
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


def test_zeros_compress(tmp_path, network):
    save_checkpoint(network, tmp_path / "full", nets.ORIGIN)
    save_checkpoint(prune(network, Method("weight", "l1", "layer", "mask"), 90, None)[0], tmp_path / "sparse", nets.ORIGIN)
    full, sparse = cost.stored_bytes(tmp_path / "full"), cost.stored_bytes(tmp_path / "sparse")
    assert full["checkpoint_bytes"] == sparse["checkpoint_bytes"] == (tmp_path / "full").stat().st_size
    assert sparse["compressed_bytes"] < full["compressed_bytes"]


def test_activation_bytes_are_those_of_the_largest_layer():
    """original at 8^3: the first convolution takes 4^3 cells of one channel to 16, the second 16 to 32."""
    assert cost.activation_bytes(build_network("original", 8, ["a", "b"])) == 4 * 4**3 * (16 + 32)


def test_all_views_of_an_object_vote(network):
    grids = np.random.default_rng(0).random((6, 8, 8, 8)) < 0.3
    voxels = Voxels(torch.from_numpy(pack(grids)), torch.tensor([0, 1]), np.array(["a", "b"]), 8, views=3)
    with torch.inference_mode():
        each = network(torch.from_numpy(grids[:, None]).float()).reshape(2, 3, 3)
    logits = evaluation.predict(network, voxels)
    assert torch.allclose(logits, each[:, 0], atol=1e-6)
    assert torch.allclose(evaluation.vote(network, voxels, logits), each.sum(dim=1), atol=1e-5)
