"""Pruning: exact counts, the study's masks, and removal that equals full masking to the last bit that matters."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune as torch_prune

import nets
from voxprune.core.errors import InputError
from voxprune.networks import build
from voxprune.networks.checkpoint import load_checkpoint, save_checkpoint
from voxprune.networks.cost import network_cost
from voxprune.networks.evaluation import collapsed
from voxprune.pruning.choose import pruned_count, score_units, unit_sizes
from voxprune.pruning.groups import find_groups, remove
from voxprune.pruning.masks import mask_filters, prove_removal
from voxprune.pruning.prune import choose_units, level_for_latency, prune
from voxprune.pruning.scoring import Sample, criterion
from voxprune.settings.method import Method, criteria

WEIGHT = Method("weight", "l1", "layer", "mask")
FILTER = Method("filter", "l1", "layer", "remove")
FILTER_MASKED = Method("filter", "l1", "layer", "mask")
LEVELS = st.integers(0, 100)


def objects(resolution=8, count=4):
    generator = torch.Generator().manual_seed(1)
    voxels = (torch.rand(count, 1, *(resolution,) * 3, generator=generator) < 0.3).float()
    return Sample(voxels, torch.arange(count) % 3, seed=0)


def original(seed=0):
    return nets.build("original", resolution=8, seed=seed)


@given(LEVELS, st.integers(1, 2000))
def test_counts_are_torchs(level, units):
    """The count of torch.nn.utils.prune with amount = level / 100, which the study used."""
    layer = nn.Linear(units, 1, bias=False)
    torch_prune.l1_unstructured(layer, "weight", amount=level / 100)
    assert pruned_count(level, units) == int((layer.weight_mask == 0).sum())


@settings(max_examples=60, deadline=None)
@given(
    LEVELS, st.sampled_from(["original", "voxnet", "resnet3d", "nets:Concatenating", "nets:Depthwise"]), st.integers(0, 99)
)
def test_removed_equals_fully_masked_and_widths_are_exact(level, name, seed):
    parent = nets.build(name, seed=seed)
    pruned, difference = prune(parent, FILTER, level, objects(16))
    assert difference <= 1e-10
    for group in find_groups(parent):
        for member in group.members:
            layer = pruned.get_submodule(member)
            if isinstance(layer, nn.Conv3d):
                assert layer.out_channels == len(layer.weight) == group.size - pruned_count(level, group.size)


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("name", criteria("filter"))
def test_every_criterion_and_scope_removes_what_it_says(name, scope):
    for network in ("voxnet", "resnet3d"):
        parent = nets.build(network)
        groups = find_groups(parent)
        for level in (0, 35, 90, 100):
            pruned, difference = prune(parent, Method("filter", name, scope, "remove"), level, objects(16))
            assert difference <= 1e-10
            left = sum(pruned.get_submodule(group.root).out_channels for group in groups)
            sizes = [group.size for group in groups]
            gone = [pruned_count(level, size) for size in (sizes if scope == "layer" else [sum(sizes)])]
            assert left == sum(sizes) - sum(gone)


@pytest.mark.parametrize("name", nets.ALL)
@pytest.mark.parametrize("level", [25, 100])
def test_a_pruned_network_survives_its_checkpoint(tmp_path, name, level):
    pruned, _ = prune(nets.build(name), FILTER, level, objects(16))
    save_checkpoint(pruned, tmp_path / "x.safetensors", nets.ORIGIN)
    again, _ = load_checkpoint(tmp_path / "x.safetensors")
    assert torch.equal(again(objects(16).voxels), pruned.eval()(objects(16).voxels))
    assert again.description == pruned.description


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("level, left", [(0, 8), (10, 8), (20, 6), (37.5, 6), (50, 4), (80, 2), (100, 0)])
def test_a_grouped_convolution_loses_evenly_what_comes_nearest(scope, level, left):
    parent = nets.build("nets:Grouped")
    pruned, _ = prune(parent, Method("filter", "l1", scope, "remove"), level, objects(16))
    assert pruned.grouped.weight.shape[1] * 2 == pruned.first.out_channels and pruned.grouped.groups == 2
    widths = [pruned.first.out_channels, pruned.grouped.out_channels]
    assert widths == [left, left] if scope == "layer" else abs(sum(widths) - (16 - pruned_count(level, 16))) <= 1
    assert all(width % 2 == 0 for width in widths)


@pytest.mark.parametrize("budget", ["macs", "parameters"])
@pytest.mark.parametrize("percent", [25, 50, 80])
def test_a_budget_is_met_within_one_filter(budget, percent):
    parent = nets.build("resnet3d")
    method = Method("filter", "l1", "global", "remove", budget=budget)
    pruned, _ = prune(parent, method, percent, objects(16))
    total = network_cost(parent)[budget]
    reached = 100 * (1 - network_cost(pruned)[budget] / total)
    units = sum(
        pruned_count(100, group.size) - pruned.get_submodule(group.root).out_channels for group in find_groups(parent)
    )
    everything = sum(group.size for group in find_groups(parent))
    beside = [prune(parent, Method("filter", "l1", "global", "remove"), 100 * n / everything, objects(16))[0]
              for n in (units - 1, units + 1)]  # fmt: skip
    others = [100 * (1 - network_cost(one)[budget] / total) for one in beside]
    assert min(others) <= percent <= max(others) and abs(reached - percent) <= min(abs(one - percent) for one in others)


def test_a_budget_ranks_once(monkeypatch):
    """The criterion may cost epochs; the units are those of the level that the budget comes to."""
    parent, sample, calls, fisher = original(), objects(), [], criterion("filter", "fisher")

    def counted(*arguments):
        calls.append(arguments)
        return fisher(*arguments)

    monkeypatch.setattr("voxprune.pruning.criteria.filter.fisher.score", counted)
    found, _ = prune(parent, Method("filter", "fisher", "layer", "remove", budget="macs"), 60, sample)
    assert len(calls) == 1
    level = 100 * (1 - found.conv2.out_channels / 32)
    expected, _ = prune(parent, Method("filter", "fisher", "layer", "remove"), level, sample)
    assert all(torch.equal(tensor, found.state_dict()[name]) for name, tensor in expected.state_dict().items())


@pytest.mark.parametrize("method, level, sentence", [
    (Method("filter", "l1", "layer", "remove", channel_multiple=17), 50, "layer conv1: a channel multiple of 17 takes nothing of 16 filters; choose"),
    (Method("weight", "l1", "block", "mask"), 10, "blocks of 4 weights can't lose 10 %; choose a multiple of 25 %"),
])  # fmt: skip
def test_what_would_take_nothing_is_refused(method, level, sentence):
    with pytest.raises(InputError, match=sentence):
        prune(original(), method, level, objects())


@given(LEVELS, st.integers(1, 200), st.sampled_from([8, 16]))
def test_a_channel_multiple_keeps_the_nearest_one(level, units, multiple):
    kept = units - pruned_count(level, units, multiple)
    assert kept % multiple == 0 or kept == units
    exact = units - pruned_count(level, units)
    assert abs(kept - exact) <= multiple / 2 or kept == units or exact < kept == multiple  # it leaves no layer empty
    assert (kept == 0) == (level == 100)
    assert level != 0 or kept == units


def test_a_budget_with_a_channel_multiple_empties_no_layer():
    method = Method("filter", "l1", "layer", "remove", budget="macs", channel_multiple=8)
    parent = nets.build("resnet3d")
    kept = [list(build.widths(prune(parent, method, percent, objects(16))[0]).values()) for percent in (50, 75, 81)]
    assert all(width % 8 == 0 and width for widths in kept for width in widths)
    with pytest.raises(
        InputError, match="90 % of the macs is out of reach of its `channel_multiple`: at most 81.* % go; change"
    ):
        prune(parent, method, 90, objects(16))
    assert not any(build.widths(prune(parent, method, 100, objects(16))[0]).values())


def test_layers_masked_before_are_compared_by_the_filters_they_have_left():
    parent = nets.build("resnet3d")
    once, _ = prune(parent, Method("filter", "l1", "layer", "mask"), 50, objects(16))
    scores = score_units(once, Method("filter", "l1", "global", "mask"), objects(16), find_groups(once))
    assert all(float(one[one != -1].mean()) == pytest.approx(1) for one in scores.values())
    assert [int((one == -1).sum()) for one in scores.values()] == [len(one) // 2 for one in scores.values()]


@pytest.mark.parametrize("apply", ["mask", "remove"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_global_steps_leave_every_layer_filters(apply, steps):
    network = nets.build("resnet3d")
    method = Method("filter", "l1", "global", apply, steps=steps)
    full = unit_sizes(network, method)
    for step in range(1, steps + 1):
        network, _ = prune(network, method, 70 * step / steps, objects(16), full)
    assert not collapsed(network)


@pytest.mark.parametrize("name, roots", [
    ("nets:ConvolutionalHead", ["first"]), ("nets:OutputFirst", ["first", "body"]), ("nets:Tokens", ["patches"])
])  # fmt: skip
def test_the_output_layer_is_never_pruned(name, roots):
    """Wherever it is registered: what makes the logits is seen in the graph."""
    parent = nets.build(name)
    assert [group.root for group in find_groups(parent)] == roots
    for level in (50, 100):
        pruned, difference = prune(parent, FILTER, level, objects(16))
        assert pruned(objects(16).voxels).shape == (4, 3) and difference <= 1e-10


@pytest.mark.parametrize("level", range(0, 101, 10))
@pytest.mark.parametrize("method", [WEIGHT, FILTER_MASKED])
def test_masks_are_those_of_torch(method, level):
    parent = original()
    pruned, difference = prune(parent, method, level, objects())
    assert difference is None
    for layer in build.convolutions(parent).values():
        if method is WEIGHT:
            torch_prune.l1_unstructured(layer, "weight", amount=level / 100)
        else:
            torch_prune.ln_structured(layer, "weight", amount=level / 100, n=1, dim=0)
        torch_prune.remove(layer, "weight")
    for name, expected in parent.state_dict().items():
        assert torch.equal(expected, pruned.state_dict()[name]), name


@pytest.mark.parametrize("level", [10, 50, 90])
def test_global_weights_are_those_of_torch(level):
    parent = original()
    pruned, _ = prune(parent, Method("weight", "l1", "global", "mask"), level, objects())
    layers = [(layer, "weight") for layer in build.convolutions(parent).values()]
    torch_prune.global_unstructured(layers, torch_prune.L1Unstructured, amount=level / 100)
    for name, layer in build.convolutions(parent).items():
        assert torch.equal(layer.weight, pruned.get_submodule(name).weight)


def linear_layers(network):
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Linear)}


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("level", [0, 50, 100])
def test_weights_of_all_layers_are_those_of_torch(scope, level):
    parent = original()
    pruned, _ = prune(parent, Method("weight", "l1", scope, "mask", layers="all"), level, objects())
    layers = build.convolutions(parent) | linear_layers(parent)
    if scope == "layer":
        for layer in layers.values():
            torch_prune.l1_unstructured(layer, "weight", amount=level / 100)
    else:
        every = [(layer, "weight") for layer in layers.values()]
        torch_prune.global_unstructured(every, torch_prune.L1Unstructured, amount=level / 100)
    for name, layer in layers.items():
        assert torch.equal(layer.weight, pruned.get_submodule(name).weight)


@pytest.mark.parametrize("name", criteria("weight"))
def test_linear_layers_stay_whole_unless_the_method_says_all(name):
    parent = original()
    pruned, _ = prune(parent, Method("weight", name, "global", "mask"), 90, objects())
    for layer, whole in linear_layers(parent).items():
        assert torch.equal(pruned.get_submodule(layer).weight, whole.weight)


@pytest.mark.parametrize("level, zeros", [(0, 0), (25, 1), (50, 2), (75, 3), (100, 4)])
def test_blocks_lose_the_lowest_of_every_four(level, zeros):
    parent = original()
    pruned, _ = prune(parent, Method("weight", "l1", "block", "mask"), level, objects())
    for name, layer in build.convolutions(parent).items():
        before, after = layer.weight.detach().flatten(1), pruned.get_submodule(name).weight.detach().flatten(1)
        for start in range(0, before.shape[1] - 3, 4):
            for old, new in zip(before[:, start : start + 4], after[:, start : start + 4]):
                assert int((new == 0).sum()) == zeros
                assert set(new[new != 0].tolist()) == set(sorted(old.tolist(), key=abs)[zeros:])


@given(st.permutations(range(16)))
@settings(max_examples=20, deadline=None)
def test_the_choice_does_not_depend_on_the_order_of_filters(order):
    parent, shuffled = original(), original()
    with torch.no_grad():
        shuffled.conv1.weight.copy_(parent.conv1.weight[list(order)])
    before, after = (choose_units(one, FILTER, 40)["conv1"] for one in (parent, shuffled))
    assert torch.equal(before[list(order)], after)


def test_the_smallest_filters_go():
    parent = original()
    with torch.no_grad():
        parent.conv1.weight.copy_(torch.arange(16.0).view(-1, 1, 1, 1, 1).expand(-1, 1, 3, 3, 3))
    assert choose_units(parent, FILTER, 25)["conv1"].nonzero()[:, 0].tolist() == [0, 1, 2, 3]


def test_the_parent_is_left_alone():
    parent = original()
    before = copy.deepcopy(parent.state_dict())
    for method in (WEIGHT, FILTER, FILTER_MASKED):
        prune(parent, method, 50, objects())
    assert all(torch.equal(tensor, before[name]) for name, tensor in parent.state_dict().items())


def test_at_100_percent_the_network_is_the_constant_its_biases_leave():
    parent = original()
    pruned, _ = prune(parent, FILTER, 100, objects())
    constant = parent.fc2(torch.relu(parent.fc1.bias))
    assert torch.allclose(pruned(objects().voxels), constant.expand(4, -1), atol=1e-6)


def test_the_studys_masks_leave_biases_alive():
    parent = original()
    masked, _ = prune(parent, FILTER_MASKED, 50, objects())
    removed, _ = prune(parent, FILTER, 50, objects())
    assert torch.equal(masked.conv1.bias, parent.conv1.bias)
    assert (masked(objects().voxels) - removed(objects().voxels)).abs().max() > 1e-4


def test_a_wrong_removal_fails_the_proof():
    parent, removed = original(), original()
    groups = find_groups(parent)
    chosen, other = choose_units(parent, FILTER, 50), choose_units(original(seed=1), FILTER, 50)
    remove(removed, other, groups)
    with pytest.raises(InputError, match="differs from the fully masked"):
        prove_removal(parent, removed, chosen, groups, objects())


def test_not_a_number_fails_the_proof():
    parent = original()
    with torch.no_grad():
        parent.fc2.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="differs from the fully masked"):
        prune(parent, FILTER, 50, objects())


def test_masking_keeps_shapes():
    parent = original()
    shapes = [tensor.shape for tensor in parent.state_dict().values()]
    mask_filters(parent, choose_units(parent, FILTER, 100), find_groups(parent))
    assert [tensor.shape for tensor in parent.state_dict().values()] == shapes
    assert not parent.conv1.weight.any() and parent.conv1.bias.any()


STAIRS = {0: 100.0, 10: 98.0, 20: 70.0, 30: 74.0, 40: 52.0, 50: 50.0, 90: 10.0}  # latency by level; 30 is noise


@pytest.mark.parametrize(
    "percent, level", [(0, 0), (1, 0), (30, 20), (26, 20), (48, 40), (50, 50), (49, 40), (80, 90), (100, 100)]
)
def test_a_budget_of_latency_takes_the_step_nearest_to_it(percent, level):
    assert level_for_latency(STAIRS, percent) == level


@given(st.dictionaries(st.integers(1, 99), st.floats(0.1, 200), max_size=20), st.integers(0, 99))
def test_no_step_is_nearer_to_a_budget_of_latency(stairs, percent):
    stairs = {0: 100.0, **stairs}
    wanted = 100 - percent
    lowest = {level: min(stairs[below] for below in stairs if below <= level) for level in stairs}
    found = lowest[level_for_latency(stairs, percent)]
    assert all(abs(found - wanted) <= abs(latency - wanted) for latency in lowest.values())
