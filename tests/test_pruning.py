"""Pruning: exact counts, the study's masks, and removal that equals full masking to the last bit that matters."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune as torch_prune

from voxprune import networks
from voxprune.files import InputError
from voxprune.pruning import (
    Method,
    choose_units,
    mask_weights,
    prove_removal,
    prune,
    pruned_count,
    remove_filters,
)  # fmt: skip

WEIGHT = Method("weight", "l1", "layer", "mask")
FILTER = Method("filter", "l1", "layer", "remove")
FILTER_MASKED = Method("filter", "l1", "layer", "mask")
LEVELS = st.integers(0, 100)


def network(seed=0, resolution=8, conv1=16, conv2=32):
    torch.manual_seed(seed)
    return networks.build("original", resolution, ["a", "b", "c"], {"conv1": conv1, "conv2": conv2}).eval()


def objects(resolution=8, count=3):
    return (torch.rand(count, 1, *(resolution,) * 3, generator=torch.Generator().manual_seed(1)) < 0.3).float()


@given(LEVELS, st.integers(1, 2000))
def test_counts_are_torchs(level, units):
    """The count of torch.nn.utils.prune with amount = level / 100, which the study used."""
    layer = nn.Linear(units, 1, bias=False)
    torch_prune.l1_unstructured(layer, "weight", amount=level / 100)
    assert pruned_count(level, units) == int((layer.weight_mask == 0).sum())


@settings(max_examples=30, deadline=None)
@given(LEVELS, st.integers(1, 20), st.integers(1, 20), st.integers(0, 1000))
def test_removed_equals_fully_masked_and_widths_are_exact(level, conv1, conv2, seed):
    parent = network(seed, conv1=conv1, conv2=conv2)
    pruned, difference = prune(parent, FILTER, level, objects())
    assert difference <= 1e-12
    expected = {"conv1": conv1 - pruned_count(level, conv1), "conv2": conv2 - pruned_count(level, conv2)}
    assert pruned.description["widths"] == expected
    assert {name: layer.out_channels for name, layer in networks.convolutions(pruned).items()} == expected


@pytest.mark.parametrize("level", range(0, 101, 10))
@pytest.mark.parametrize("method", [WEIGHT, FILTER_MASKED])
def test_masks_are_those_of_torch(method, level):
    parent = network()
    pruned, difference = prune(parent, method, level, objects())
    assert difference is None
    for layer in networks.convolutions(parent).values():
        if method is WEIGHT:
            torch_prune.l1_unstructured(layer, "weight", amount=level / 100)
        else:
            torch_prune.ln_structured(layer, "weight", amount=level / 100, n=1, dim=0)
        torch_prune.remove(layer, "weight")
    for name, expected in parent.state_dict().items():
        assert torch.equal(expected, pruned.state_dict()[name]), name


@given(st.permutations(range(16)))
@settings(max_examples=20, deadline=None)
def test_the_choice_does_not_depend_on_the_order_of_filters(order):
    parent, shuffled = network(), network()
    with torch.no_grad():
        shuffled.conv1.weight.copy_(parent.conv1.weight[list(order)])
    before, after = (choose_units(one, FILTER, 40)["conv1"] for one in (parent, shuffled))
    assert torch.equal(before[list(order)], after)


def test_the_smallest_filters_go():
    parent = network()
    with torch.no_grad():
        parent.conv1.weight.copy_(torch.arange(16.0).view(-1, 1, 1, 1, 1).expand(-1, 1, 3, 3, 3))
    assert choose_units(parent, FILTER, 25)["conv1"].nonzero()[:, 0].tolist() == [0, 1, 2, 3]


def test_the_parent_is_left_alone():
    parent = network()
    before = copy.deepcopy(parent.state_dict())
    for method in (WEIGHT, FILTER, FILTER_MASKED):
        prune(parent, method, 50, objects())
    assert all(torch.equal(tensor, before[name]) for name, tensor in parent.state_dict().items())


def test_at_100_percent_the_network_is_the_constant_its_biases_leave():
    parent = network()
    pruned, _ = prune(parent, FILTER, 100, objects())
    constant = parent.fc2(torch.relu(parent.fc1.bias))
    assert torch.allclose(pruned(objects()), constant.expand(3, -1), atol=1e-6)


def test_the_studys_masks_leave_biases_alive():
    parent = network()
    masked, _ = prune(parent, FILTER_MASKED, 50, objects())
    removed, _ = prune(parent, FILTER, 50, objects())
    assert torch.equal(masked.conv1.bias, parent.conv1.bias)
    assert (masked(objects()) - removed(objects())).abs().max() > 1e-4


def test_a_wrong_removal_fails_the_proof():
    parent = network()
    chosen, other = choose_units(parent, FILTER, 50), choose_units(network(seed=1), FILTER, 50)
    removed = copy.deepcopy(parent)
    remove_filters(removed, other)
    with pytest.raises(InputError, match="differs from the fully masked"):
        prove_removal(parent, removed, chosen, objects())


def test_not_a_number_fails_the_proof():
    parent = network()
    with torch.no_grad():
        parent.fc2.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="differs from the fully masked"):
        prune(parent, FILTER, 50, objects())


def test_masking_keeps_shapes():
    parent = network()
    shapes = [tensor.shape for tensor in parent.state_dict().values()]
    mask_weights(parent, choose_units(parent, FILTER, 100))
    assert [tensor.shape for tensor in parent.state_dict().values()] == shapes
    assert not parent.conv1.weight.any()
