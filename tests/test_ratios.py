"""Ratios: factors on the level in single layers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import nets
from voxprune.core.errors import InputError
from voxprune.networks.build import widths
from voxprune.networks.cost import network_cost
from voxprune.pruning.choose import pruned_count
from voxprune.pruning.prune import choose_units, prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method

ORIGINAL, RESNET = nets.build("original"), nets.build("resnet3d")
SAMPLE = Sample((torch.rand(2, 1, 16, 16, 16) < 0.3).float(), torch.tensor([0, 1]), 0)


@given(level=st.integers(0, 100), factors=st.lists(st.floats(0, 3), min_size=2, max_size=2))
@settings(deadline=None)
@pytest.mark.parametrize("unit, apply", [("filter", "remove"), ("weight", "mask")])
def test_a_layer_loses_its_factor_times_the_level_and_at_most_everything(unit, apply, level, factors):
    ratios = dict(zip(("conv1", "conv2"), factors))
    chosen = choose_units(ORIGINAL, Method(unit, "l1", "layer", apply, ratios=ratios), level)
    for name, factor in ratios.items():
        assert int(chosen[name].sum()) == pruned_count(min(100, level * factor), chosen[name].numel())


def test_layers_that_are_left_out_take_the_level_itself():
    network, _ = prune(
        RESNET, Method("filter", "l1", "layer", "remove", ratios={"stem": 0, "block2.conv1": 1.5}), 50, SAMPLE
    )
    before, after = widths(RESNET), widths(network)
    share = {name: after[name] / before[name] for name in before}
    assert share == {
        **dict.fromkeys(share, 0.5),
        "stem": 1,
        "block1.conv2": 1,
        "block2.conv1": 0.25,
    }  # block1.conv2 is tied to stem


def test_ratios_say_where_filters_go_and_a_budget_how_many():
    method = Method("filter", "l1", "layer", "remove", budget="macs", ratios={"stem": 0.5})
    network, _ = prune(RESNET, method, 60, SAMPLE)
    assert network_cost(network)["macs"] / network_cost(RESNET)["macs"] == pytest.approx(0.4, abs=0.06)
    before, after = widths(RESNET), widths(network)
    lost = {name: 1 - after[name] / before[name] for name in before}
    assert lost["stem"] == pytest.approx(lost["block3.conv1"] / 2, abs=0.05)


def test_a_layer_that_is_not_pruned_by_itself_is_refused():
    with pytest.raises(
        InputError, match="ratios: no layer 'block1.conv2' is pruned by itself; choose from stem, block1.conv1"
    ):
        choose_units(RESNET, Method("filter", "l1", "layer", "remove", ratios={"block1.conv2": 0}), 50)
