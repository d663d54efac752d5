"""Every construct goes all the way, or one sentence before any job names the layer and the reason."""

import constructs
import pytest
import torch
from msgspec.structs import replace
from torch import nn
from torch.nn import functional

import nets
from voxprune.core.errors import InputError
from voxprune.measurement.runner import prepare
from voxprune.networks import evaluation
from voxprune.networks.build import build_network
from voxprune.networks.checkpoint import load_checkpoint, save_checkpoint
from voxprune.networks.cost import network_cost
from voxprune.networks.device import to_device
from voxprune.pruning.check import check_network
from voxprune.pruning.extent import extent
from voxprune.pruning.prune import check_reach, prune, reach_percent
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method, trials
from voxprune.training.retraining.scratch import start_anew

CLASSES = ["a", "b", "c"]
SAMPLE = Sample(
    (torch.rand(4, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0)) < 0.3).float(), torch.arange(4) % 3, 0
)


def build(name, seed=0):
    torch.manual_seed(seed)
    network = build_network(f"constructs:{name}", 16, CLASSES).eval()
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(layer.running_mean)
    return network


@pytest.mark.parametrize("name", constructs.PRUNED)
def test_a_construct_goes_all_the_way(name, tmp_path):
    parent = build(name)
    assert extent(parent).startswith("prunes {} of {} convolutions".format(*constructs.PRUNED[name]))
    for scope, level in (("layer", 40), ("layer", 100), ("global", 60)):
        pruned, difference = prune(parent, Method("filter", "l1", scope, "remove"), level, SAMPLE)
        assert difference < 1e-10
        save_checkpoint(pruned, tmp_path / "x.safetensors", nets.ORIGIN)
        again, _ = load_checkpoint(tmp_path / "x.safetensors")
        with torch.no_grad():
            assert torch.equal(again(SAMPLE.voxels), pruned.eval()(SAMPLE.voxels))
        assert network_cost(again)["macs"] < network_cost(parent)["macs"]
    masked, _ = prune(parent, Method("filter", "taylor", "layer", "mask"), 50, SAMPLE)
    assert network_cost(masked)["filters"] < network_cost(parent)["filters"] and not evaluation.collapsed(parent)
    trained = to_device(again, torch.device("cpu")).train()
    functional.cross_entropy(trained(SAMPLE.voxels), SAMPLE.labels).backward()


@pytest.mark.parametrize("name", ["Tied", "Viewed", "SplitShuffle", "Counted"])
def test_a_construct_can_be_checked_and_exported(name):
    assert check_network(f"constructs:{name}", 16, CLASSES).startswith("prunes ")
    network = prune(build(name), Method("filter", "l1", "layer", "remove"), 50, SAMPLE)[0].eval()
    with torch.no_grad():
        expected = network(SAMPLE.voxels)
    for engine in ("torch", "onnxruntime", "openvino"):
        found = torch.as_tensor(prepare(engine, network, SAMPLE.voxels, 1).start()(SAMPLE.voxels))
        assert torch.allclose(found, expected, atol=1e-4 * float(expected.abs().max()))


REFUSED = {
    "NumberOfClasses": "can't be made from (resolution, number of classes)",
    "ThreeChannels": "its first layer reads 3 channels, but voxels have one",
    "Pair": "gives a tuple instead of one tensor of logits",
    "OnlyWhileTraining": "while training gives a tuple instead",
    "TooWide": "gives a tensor (1, 7) for 1 object(s) of 3 classes",
    "NotANumber": "gives logits that aren't finite",
    "Hooked": "the weight of layer stem is computed by a hook",
    "OneObject": "evaluation fails in layer fc",
    "NoConvolution": "has no Conv3d",
}


@pytest.mark.parametrize("name, reason", REFUSED.items())
def test_what_can_not_work_is_refused_before_any_job(name, reason):
    with pytest.raises(InputError) as told:
        check_network(f"constructs:{name}", 16, CLASSES)
    assert str(told.value).startswith(f"network constructs:{name}: ") and reason in str(told.value)


def test_a_check_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    check_network("voxnet", 16, CLASSES)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name, layer, reason", [
    ("Window", "stem", "normalised together with other channels in layer_norm (LayerNorm)"),
    ("NonLocal", "q, k, v", "goes through bmm"), ("WrittenDown", "stem", "counts on their number"),
    ("Standardised", "inner", "whose weight is computed"),
    ("SpatialAttention", "map", "spread over several"), ("SpatialAttention", "fc", "no Conv3d"),
])  # fmt: skip
def test_what_is_left_out_is_named_with_the_reason(name, layer, reason):
    part = next(part for part in extent(build(name)).split("left out: ")[1].split("; ") if part.startswith(layer))
    assert reason in part


def test_a_network_whose_filters_all_stay_is_refused_for_filters_alone():
    network = build("Head")
    with pytest.raises(InputError, match=r"no filter can be removed: a \(makes the logits\)"):
        prune(network, Method("filter", "l1", "layer", "remove"), 50, SAMPLE)
    assert prune(network, Method("weight", "l1", "layer", "mask"), 50, SAMPLE)[1] is None


def test_a_budget_out_of_reach_is_told():
    network = build("Window")
    most = reach_percent(network, "parameters")
    assert 0 < most < 99
    check_reach(network, "parameters", most)
    check_reach(network, "parameters", 100)
    sentence = (
        f"a budget of 99 % of the parameters is out of reach: .* {most:.1f} % are gone; choose levels up to {int(most)},"
    )
    with pytest.raises(InputError, match=sentence):
        check_reach(network, "parameters", 99)
    with pytest.raises(InputError, match=f"network constructs:Window: {sentence}"):
        check_network("constructs:Window", 16, CLASSES, [(replace(FILTER, budget="parameters"), 99)])


FILTER, WEIGHT = Method("filter", "l1", "layer", "remove"), Method("weight", "l1", "layer", "mask")


@pytest.mark.parametrize("name, method, levels, sentence", [
    ("constructs:Head", FILTER, [50], r"no filter can be removed: a \(makes the logits\); choose a method of unit weight"),
    ("original", replace(FILTER, ratios={"fc1": 0}), [50], "ratios: no layer 'fc1' is pruned by itself; choose from conv1, conv2"),
    ("original", replace(WEIGHT, ratios={"fc1": 0}), [50], "ratios: no layer 'fc1' is pruned by itself; choose from conv1, conv2"),
    ("original", replace(FILTER, channel_multiple=17), [50], "layer conv1: a channel multiple of 17 takes nothing of 16 filters"),
    ("original", replace(FILTER, criterion="bn_scale"), [50], "criterion bn_scale: layer conv1 has no BatchNorm behind it"),
    ("original", replace(FILTER, ratios={"conv1": 0}, budget="macs"), [50, 99, 100], "a budget of 99 % of the macs is out of reach of its `ratios`"),
])  # fmt: skip
def test_what_a_method_can_not_choose_is_told_before_any_job(name, method, levels, sentence):
    with pytest.raises(InputError, match=f"network {name}: {sentence}"):
        check_network(name, 16, CLASSES, trials([method], levels))


def test_methods_that_choose_alike_are_tried_once():
    alike = [
        FILTER,
        replace(FILTER, criterion="taylor", scope="global"),
        replace(FILTER, retrain="finetune", epochs=2),
        replace(FILTER, budget="latency"),
    ]
    assert trials(alike, [10, 90]) == [(FILTER, 50)]
    budgets = [replace(FILTER, budget="macs"), replace(FILTER, budget="macs", scope="global"), WEIGHT]
    assert trials(budgets, [10, 90, 100]) == [(budgets[1], 90), (budgets[0], 90), (WEIGHT, 50)]
    check_network(
        "original", 16, CLASSES, trials([*budgets, replace(WEIGHT, layers="all", ratios={"fc1": 0})], [10, 90, 100])
    )


def test_from_scratch_is_what_the_class_starts_with():
    network = prune(build("Maxout"), Method("filter", "l1", "layer", "remove"), 50, SAMPLE)[0]
    start_anew(network, seed=5)
    torch.manual_seed(5)
    fresh = build_network("constructs:Maxout", 16, CLASSES)
    assert torch.equal(network.scale, fresh.scale[: len(network.scale)]) and len(network.scale) == 4
    assert torch.equal(network.norm.running_mean, torch.zeros(4))
