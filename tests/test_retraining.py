"""Retraining: what each kind trains, from where, for how long, and that zeros stay zero."""

import dataclasses

import numpy as np
import pytest
import torch
from msgspec.structs import replace

import nets
from voxprune.core.errors import InputError
from voxprune.networks import build
from voxprune.networks.evaluation import collapsed
from voxprune.pruning.choose import unit_sizes
from voxprune.pruning.groups import find_groups, remove
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method
from voxprune.settings.training import Recipe
from voxprune.training.job import Job
from voxprune.training.recalibrate import recalibrate
from voxprune.training.retrain import retrain
from voxprune.voxels.dataset import Voxels, unpack
from voxprune.voxels.voxelize import pack

RECIPE = Recipe(epochs=4, batch_size=8, optimiser="sgd", learning_rate=0.02, weight_decay=0.0, validation_share=0.0)
FILTER = Method("filter", "l1", "layer", "remove")


@pytest.fixture
def voxels():
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 3
    grids = rng.random((24, 16, 16, 16)) < (0.1 + 0.3 * labels)[:, None, None, None]
    return Voxels(torch.from_numpy(pack(grids)), torch.from_numpy(labels), np.array(["x"] * 24), 16)


@pytest.fixture
def job(voxels, tmp_path):
    return Job(voxels, voxels.subset(torch.arange(0)), 0, tmp_path / "state", "x", lambda line: None)


@pytest.fixture
def run(job):
    def run(network, kind, epochs=2, learning_rate=0.01, layers="convolutions"):
        lines = []
        method = replace(FILTER, retrain=kind, epochs=epochs, learning_rate=learning_rate, layers=layers)
        curve = retrain(network, method, RECIPE, dataclasses.replace(job, report=lines.append))
        return [row["epoch"] for row in curve], lines

    return run


def pruned(method=FILTER, level=50, name="resnet3d"):
    inputs = torch.ones(2, 1, 16, 16, 16)
    return prune(nets.build(name), method, level, Sample(inputs, torch.tensor([0, 1]), 0))[0]


def state(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_none_changes_nothing(run):
    network = pruned()
    before = state(network)
    assert run(network, "none") == ([], [])
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("kind, epochs, lines", [("finetune", [1, 2], ["epoch 1/2", "epoch 2/2"]),
                                                 ("rewind", [3, 4], ["epoch 3/4", "epoch 4/4"]),
                                                 ("scratch", [*range(1, 7)], [f"epoch {n}/6" for n in range(1, 7)])])  # fmt: skip
def test_how_long_each_kind_trains(run, kind, epochs, lines):
    network = pruned()
    before = state(network)
    trained, found = run(network, kind)
    assert trained == epochs and [line.split(":")[0] for line in found] == lines
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == {n: t.shape for n, t in before.items()}
    assert not torch.equal(network.fc.weight, before["fc.weight"])


@pytest.mark.parametrize("share, epochs", [(0.25, [2, 3, 4]), (0.5, [3, 4]), (0.74, [4])])
def test_after_an_early_pruning_the_rest_of_the_parents_schedule_is_trained(job, share, epochs):
    method = replace(FILTER, retrain="rewind", prune_at=share)
    curve = retrain(pruned(), method, RECIPE, job)
    assert [row["epoch"] for row in curve] == epochs and method.parent_epochs(4) + len(curve) == 4
    whole = retrain(pruned(), replace(FILTER, retrain="rewind", epochs=4), RECIPE, dataclasses.replace(job, fingerprint="y"))
    assert [row["learning_rate"] for row in curve] == [row["learning_rate"] for row in whole[epochs[0] - 1 :]]


@pytest.mark.parametrize("given, first", [(None, RECIPE.learning_rate), (0.01, 0.01)])
def test_fine_tuning_is_at_the_parents_rate_and_schedule_unless_the_method_says_its_own(job, given, first):
    method = replace(FILTER, retrain="finetune", epochs=3, learning_rate=given)
    rates = [row["learning_rate"] for row in retrain(pruned(), method, RECIPE, job)]
    assert rates == pytest.approx([first, first * 0.75, first * 0.25])  # half a cosine at 0, 1/3 and 2/3 of its way


def test_fine_tuning_improves_the_loss(run, voxels):
    network = pruned(name="original")
    inputs = unpack(voxels.packed, 16)
    before = torch.nn.functional.cross_entropy(network(inputs), voxels.labels)
    run(network, "finetune", epochs=4)
    assert torch.nn.functional.cross_entropy(network(inputs), voxels.labels) < before


def test_scratch_forgets_the_parent(run):
    one, other = pruned(), pruned()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(3)
    for network in (one, other):
        run(network, "scratch")
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values()))


@pytest.mark.parametrize("method, layers", [
    (Method("weight", "l1", "global", "mask"), "convolutions"),
    (Method("weight", "l1", "layer", "mask", layers="all"), "all"),
    (Method("filter", "l1", "layer", "mask"), "convolutions"),
])  # fmt: skip
def test_masked_weights_stay_zero(run, method, layers):
    network = pruned(method, 70, "original")
    zeros = {name: layer.weight == 0 for name, layer in build.weighted_layers(network, layers).items()}
    before = state(network)
    run(network, "finetune", layers=layers)
    for name, layer in build.weighted_layers(network, layers).items():
        assert torch.equal(layer.weight == 0, zeros[name])
        assert not torch.equal(layer.weight, before[f"{name}.weight"])


def test_batchnorm_alone_takes_the_statistics_of_the_data(run, voxels):
    network = pruned(name="voxnet")
    before = state(network)
    assert run(network, "batchnorm")[0] == []
    outputs = network.conv1(unpack(voxels.packed, 16))
    assert torch.allclose(network.norm1.running_mean, outputs.mean(dim=(0, 2, 3, 4)), atol=1e-4)
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name])
    assert network.norm1.momentum == 0.1 and not network.training


def test_batchnorm_alone_needs_a_batchnorm(run):
    with pytest.raises(InputError, match="retrain batchnorm needs BatchNorm layers, this network has none; choose another"):
        run(pruned(name="original"), "batchnorm")


@pytest.mark.parametrize("kind", ["finetune", "rewind", "scratch", "batchnorm"])
def test_a_network_with_an_empty_layer_and_a_way_around_it_is_retrained(run, voxels, kind):
    network = nets.build("resnet3d")
    groups = find_groups(network)
    chosen = {group.root: torch.full((group.size,), group.root == "block1.conv1") for group in groups}
    remove(network, chosen, groups)
    before = network.norm.running_mean.clone()
    run(network, kind)
    assert network.block1.conv1.out_channels == 0 and not collapsed(network)
    assert not torch.equal(network.norm.running_mean, before) and network(unpack(voxels.packed, 16)).isfinite().all()


@pytest.mark.parametrize("method", [FILTER, Method("filter", "random", "layer", "mask"), Method("weight", "random", "layer", "mask"),
                                    Method("weight", "lamp", "global", "mask"), Method("filter", "l1", "global", "remove")])  # fmt: skip
def test_steps_end_where_one_step_ends(method):
    """Pruning a third at a time takes as many units as pruning at once, whatever the order of scores."""
    parent = nets.build("resnet3d")
    sample = Sample(torch.ones(2, 1, 16, 16, 16), torch.tensor([0, 1]), 0)
    full, network = unit_sizes(parent, method), parent
    for number, level in enumerate((20, 40, 60)):
        changing = dataclasses.replace(sample, seed=number)
        network, _ = prune(network, method, level, changing, full)
    once, _ = prune(parent, method, 60, sample)
    counts = [
        {name: int(layer.weight.count_nonzero()) for name, layer in build.convolutions(one).items()}
        for one in (network, once)
    ]
    if method.unit == "weight":
        assert sum(counts[0].values()) == sum(counts[1].values())
    assert method.scope == "global" or build.widths(network) == build.widths(once)
    assert sum(build.widths(network)[name] for name in full) == sum(build.widths(once)[name] for name in full)


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize(
    "name", ["nets:Depthwise", "constructs:Tied", "constructs:SplitShuffle", "constructs:Inception", "resnet3d"]
)
def test_steps_go_on_after_a_layer_was_emptied(name, scope):
    sample = Sample((torch.rand(2, 1, 16, 16, 16) < 0.5).float(), torch.tensor([0, 1]), 0)
    method, network = Method("filter", "l1", scope, "remove"), nets.build(name)
    full = unit_sizes(network, method)
    for level in (60, 90, 97, 100, 100):
        network, difference = prune(network, method, level, sample, full)
        assert difference < 1e-10
    assert collapsed(network) and unit_sizes(network, method) == {}


def test_recalibration_sees_the_classes_mixed(voxels):
    """In the order of storage, a batch holds one class, and its variance is less than that of the data."""
    network = nets.build("voxnet")
    ordered = voxels.subset(voxels.labels.argsort())
    recalibrate(network, ordered, batch_size=8)
    outputs = network.conv1(unpack(voxels.packed, 16)).detach()
    apart = [network.conv1(unpack(ordered.packed[start : start + 8], 16)).detach() for start in (0, 8, 16)]
    within = sum(batch.var(dim=(0, 2, 3, 4)) for batch in apart).mean() / 3
    error = abs(network.norm1.running_var.mean() - outputs.var(dim=(0, 2, 3, 4)).mean())
    assert error < abs(within - outputs.var(dim=(0, 2, 3, 4)).mean())
