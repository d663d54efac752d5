"""Group lasso: the norm of a unit is that of all that its removal takes, the step is the penalty's proximal step."""

import copy

import numpy as np
import pytest
import sparsify
import torch
import train
from torch import nn

import nets
from voxprune.core.command import run_command
from voxprune.core.errors import InputError
from voxprune.networks import build
from voxprune.networks.checkpoint import load_checkpoint, save_checkpoint
from voxprune.pruning.groups import find_groups, remove
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import Sample
from voxprune.pruning.sparsity import shrinker, unit_rms
from voxprune.settings.method import Method
from voxprune.training.progress import Progress

NETWORKS = ["original", "voxnet", "resnet3d", "nets:Depthwise", "nets:Grouped", "nets:Concatenating"]


def squares(network):
    """(how many parameters a network has, the sum of their squares)."""
    return np.array(
        [(tensor.numel(), float(tensor.detach().double().square().sum())) for tensor in network.parameters()]
    ).sum(0)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_units_norm_is_that_of_what_its_removal_takes(name):
    whole = nets.build(name)
    groups = find_groups(whole)
    for number, group in enumerate(groups):
        unit, cut = number % group.size, copy.deepcopy(whole)
        gone = {one.root: torch.arange(one.size) == (unit if one.root == group.root else -1) for one in groups}
        remove(cut, gone, groups)
        parameters, energy = squares(whole) - squares(cut)
        assert float(unit_rms(whole, group)[unit]) == pytest.approx((energy / parameters) ** 0.5, rel=1e-4)


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.1, 10.0])
def test_a_step_shrinks_every_unit_by_its_norm_and_nothing_else(rate):
    """In `original` a kernel lies in a unit of its own filter and in one of each filter that it reads."""
    strength, network, before = 0.2, nets.build("original"), nets.build("original")
    groups = {group.layer: group for group in find_groups(before)}
    kept = {name: (1 - rate * strength / unit_rms(before, group)).clamp_min(0) for name, group in groups.items()}
    shrinker(network, strength)(rate)
    assert torch.allclose(network.conv1.weight, before.conv1.weight * kept["conv1"].view(-1, 1, 1, 1, 1))
    assert torch.allclose(network.conv1.bias, before.conv1.bias * kept["conv1"])
    both = kept["conv2"].view(-1, 1, 1, 1, 1) * kept["conv1"].view(1, -1, 1, 1, 1)
    assert torch.allclose(network.conv2.weight, before.conv2.weight * both)
    assert all(not tensor.any() for tensor in (network.conv1.weight, network.conv2.bias)) == (rate == 10)
    last = [name for name, layer in network.named_modules() if isinstance(layer, nn.Linear)][-1]
    assert torch.equal(network.get_submodule(last).bias, before.get_submodule(last).bias)


def test_a_network_without_filters_to_remove_is_refused():
    with pytest.raises(InputError, match="sparsify: no filter of this network can be removed; leave `sparsify` out"):
        shrinker(nets.build("constructs:NoConvolution"), 0.1)


@pytest.fixture(scope="module")
def parent(voxels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parent")
    arguments = ["--voxels", voxels, "--classes", "chair", "table", "--network", "resnet3d", "--batch-size", 8, "--epochs", 2,
                 "--learning-rate", 0.01, "--gpus", 0, "--checkpoint", folder / "p", "--curve", folder / "c.csv"]  # fmt: skip
    run_command(train.main, train.parse(), list(map(str, arguments)))
    return folder / "p"


@pytest.fixture
def run(voxels, parent, tmp_path):
    """Runs the command; returns the network that it makes of the parent, and its origin."""

    def run(*options, name="s"):
        every = [
            "--parent",
            parent,
            "--voxels",
            voxels,
            "--gpus",
            0,
            "--checkpoint",
            tmp_path / name,
            "--curve",
            tmp_path / "c",
            *options,
        ]
        run_command(sparsify.main, sparsify.parse(), list(map(str, every)))
        return load_checkpoint(tmp_path / name)

    return run


def test_the_command_trains_the_parent_on_and_counts_its_epochs(run, parent, tmp_path):
    network, origin = run("--sparsify", 1e-6, "--sparsify-epochs", 3)
    before, origin_before = load_checkpoint(parent)
    assert (origin.total_epochs, origin_before.total_epochs) == (5, 2)
    assert origin.training_macs == origin_before.training_macs * 5 / 2
    assert build.widths(network) == build.widths(before) and not torch.equal(network.fc.weight, before.fc.weight)
    assert (tmp_path / "c").read_text().count("\n") == 4 and not list(tmp_path.glob("*.resume"))


def test_a_strong_penalty_empties_units_whose_removal_then_changes_nothing(run):
    network, _ = run("--sparsify", 0.5, "--sparsify-epochs", 4)
    groups = find_groups(network)
    empty = {group.root: unit_rms(network, group) == 0 for group in groups}
    assert any(mask.any() for mask in empty.values())
    share = 100 * min(float(mask.double().mean()) for mask in empty.values())
    inputs = (torch.rand(4, 1, 8, 8, 8) < 0.3).float()
    method = Method("filter", "group_norm", "layer", "remove")
    smaller, _ = prune(network, method, int(share), Sample(inputs, torch.zeros(4, dtype=torch.int64), 0))
    assert torch.allclose(smaller(inputs), network(inputs), atol=1e-5)


def test_an_interrupted_training_goes_on_to_the_same_bits(run, tmp_path, monkeypatch):
    options = ("--sparsify", 0.01, "--sparsify-epochs", 3)
    whole, _ = run(*options)
    save = Progress.add

    def interrupt(progress, row):
        save(progress, row)
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "add", interrupt)
    with pytest.raises(SystemExit, match="sparsify: interrupted; run the same command again"):
        run(*options, name="again")
    monkeypatch.undo()
    again, _ = run(*options, name="again")
    assert all(map(torch.equal, whole.state_dict().values(), again.state_dict().values()))


def test_a_strength_without_epochs_is_refused(run):
    with pytest.raises(SystemExit, match="sparsify: give both --sparsify and --sparsify-epochs"):
        run("--sparsify", 0.01)


def test_a_diverged_training_is_not_saved(run, tmp_path, parent):
    network, origin = load_checkpoint(parent)
    with torch.no_grad():
        network.fc.weight.fill_(float("nan"))
    save_checkpoint(network, tmp_path / "nan", origin)
    with pytest.raises(SystemExit, match="sparsify: seed 0, group lasso: training diverged .*; lower `sparsify` or"):
        run("--parent", tmp_path / "nan", "--sparsify", 0.01, "--sparsify-epochs", 1)
    assert not (tmp_path / "s").exists()
