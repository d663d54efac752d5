"""Each criterion against its definition, written out as plain loops on small networks."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

import nets
from voxprune.core.errors import InputError
from voxprune.pruning.groups import find_groups
from voxprune.pruning.scoring import Sample, criterion
from voxprune.settings.method import criteria

FILTER, WEIGHT = ({name: criterion(unit, name) for name in criteria(unit)} for unit in ("filter", "weight"))
CRITERIA = {"filter": FILTER, "weight": WEIGHT}


@pytest.fixture
def sample():
    generator = torch.Generator().manual_seed(3)
    voxels = (torch.rand(40, 1, 16, 16, 16, generator=generator) < 0.3).float()
    return Sample(voxels, torch.randint(0, 3, (40,), generator=generator), seed=5)


def gradients(network, voxels, labels):
    """{parameter name: gradient} of the mean loss."""
    network.zero_grad()
    cross_entropy(network(voxels), labels).backward()
    found = {name: parameter.grad.clone() for name, parameter in network.named_parameters()}
    network.zero_grad()
    return found


def plain(network):
    """The groups of a network whose convolutions stand alone: {convolution: its BatchNorm's name or None}."""
    return {"nets:Depthwise": {"project": None}, "voxnet": {"conv1": "norm1", "conv2": "norm2"}}[
        network.description["network"]
    ]


def close(found, expected):
    assert found.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("name, norm", [("l1", lambda kernel: sum(abs(w) for w in kernel)),
                                        ("l2", lambda kernel: math.sqrt(sum(w * w for w in kernel)))])  # fmt: skip
def test_norms(name, norm, sample):
    network = nets.build("voxnet")
    scores = FILTER[name](network, find_groups(network), sample)
    assert set(scores) == {"conv1", "conv2"}
    for layer, found in scores.items():
        close(found, [norm(kernel.flatten().tolist()) for kernel in network.get_submodule(layer).weight])


def test_geometric_median_is_signed(sample):
    network = nets.build("voxnet")
    kernels = network.conv1.weight.detach().flatten(1)
    network.conv1.weight.data[1] = -network.conv1.weight.data[0]
    found = FILTER["geometric_median"](network, find_groups(network), sample)["conv1"]
    close(found, [sum(math.dist(a, b) for b in kernels.tolist()) for a in kernels.tolist()])
    assert math.dist(*kernels[:2].tolist()) == pytest.approx(2 * float(kernels[0].norm()), rel=1e-5)


def test_bn_scale(sample):
    network = nets.build("voxnet")
    close(FILTER["bn_scale"](network, find_groups(network), sample)["conv2"], network.norm2.weight.abs().tolist())
    original = nets.build("original")
    with pytest.raises(InputError, match="layer conv1 has no BatchNorm.*choose another"):
        FILTER["bn_scale"](original, find_groups(original), sample)


def test_taylor_counts_batchnorm_and_averages_squares_over_batches(sample):
    network = nets.build("voxnet")
    found = FILTER["taylor"](network, find_groups(network), sample)
    for layer, norm in plain(network).items():
        expected = [0.0] * 32
        for batch in (slice(0, 32), slice(32, 40)):
            gradient = gradients(network, sample.voxels[batch], sample.labels[batch])
            for number in range(32):
                parts = [f"{layer}.weight", f"{layer}.bias", f"{norm}.weight", f"{norm}.bias"]
                values = {key: value.detach() for key, value in network.named_parameters()}
                change = sum(float((gradient[part][number] * values[part][number]).sum()) for part in parts)
                expected[number] += change**2 / 2
        close(found[layer], expected)


def test_fisher_accumulates_every_object(sample):
    network = nets.build("voxnet")
    filters, weights = (CRITERIA[unit]["fisher"](network, find_groups(network), sample) for unit in ("filter", "weight"))
    squares = {name: torch.zeros_like(parameter) for name, parameter in network.named_parameters()}
    for voxel, label in zip(sample.voxels, sample.labels):
        for name, gradient in gradients(network, voxel[None], label[None]).items():
            squares[name] += gradient**2 / len(sample.labels)
    for layer, norm in plain(network).items():
        rise = {name: 0.5 * parameter.detach() ** 2 * squares[name] for name, parameter in network.named_parameters()}
        assert torch.allclose(weights[layer], rise[f"{layer}.weight"], rtol=1e-4, atol=1e-12)
        parts = [f"{layer}.weight", f"{layer}.bias", f"{norm}.weight", f"{norm}.bias"]
        close(filters[layer], [sum(float(rise[part][number].sum()) for part in parts) for number in range(32)])


def test_activation_is_the_mean_absolute_output(sample):
    network = nets.build("nets:Depthwise")
    found = FILTER["activation"](network, find_groups(network), sample)["project"]
    outputs = []
    network.project.register_forward_hook(lambda layer, inputs, output: outputs.append(output))
    with torch.no_grad():
        network(sample.voxels)
    close(found, [float(outputs[0][:, number].abs().mean()) for number in range(6)])


def test_taylor_of_weights(sample):
    network = nets.build("voxnet")
    gradient = gradients(network, sample.voxels, sample.labels)["conv2.weight"]
    found = WEIGHT["taylor"](network, None, sample)["conv2"]
    assert torch.allclose(found, (gradient * network.conv2.weight.detach()).abs(), rtol=1e-3, atol=1e-8)


def test_lamp_divides_by_what_survives(sample):
    network = nets.build("nets:Depthwise")
    weight = network.project.weight.detach()
    squares = sorted(float(w) ** 2 for w in weight.flatten())
    expected = [float(w) ** 2 / sum(one for one in squares if one >= float(w) ** 2) for w in weight.flatten()]
    close(WEIGHT["lamp"](network, None, sample)["project"].flatten(), expected)
    for scores in WEIGHT["lamp"](network, None, sample).values():
        assert scores.max() == 1  # so that no layer is wiped out before the others


@pytest.mark.parametrize("unit", ["filter", "weight"])
def test_random_follows_its_seed(unit, sample):
    network = nets.build("voxnet")
    groups = find_groups(network)
    first, again, other = (
        CRITERIA[unit]["random"](network, groups, Sample(sample.voxels, sample.labels, seed))["conv1"] for seed in (5, 5, 6)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("name", [name for name in FILTER if name not in ("bn_scale", "random")])
def test_coupled_filters_add_up(name, sample):
    """In the depthwise network filter i of `expand` and of `depthwise` go together."""
    network = nets.build("nets:Depthwise")
    scores = FILTER[name](network, find_groups(network), sample)
    assert set(scores) == {"expand", "project"} and scores["expand"].shape == (8,)
    if name == "l1":
        both = network.expand.weight.abs().flatten(1).sum(1) + network.depthwise.weight.abs().flatten(1).sum(1)
        close(scores["expand"], both.tolist())


@pytest.mark.parametrize("unit, name", [(unit, name) for unit in CRITERIA for name in CRITERIA[unit]])
def test_a_criterion_changes_nothing(unit, name, sample):
    network = nets.build("voxnet")
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    CRITERIA[unit][name](network, find_groups(network), sample)
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
