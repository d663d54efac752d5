"""Leaving one filter out: it is removed, and correlations are those of ranks."""

import torch

import nets
from voxprune.pruning import leave_one_out
from voxprune.pruning.groups import find_groups, remove
from voxprune.pruning.scoring import Sample

SAMPLE = Sample(
    (torch.rand(40, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0)) < 0.3).float(), torch.arange(40) % 3, 0
)


def test_leaving_out_is_removing():
    network = nets.build("nets:Depthwise")
    rises = leave_one_out.leave_one_out(network, SAMPLE, lambda line: None)
    assert {root: len(found) for root, found in rises.items()} == {"expand": 8, "project": 6}
    groups = find_groups(network)
    removed = nets.build("nets:Depthwise")
    chosen = {group.root: torch.zeros(group.size, dtype=torch.bool) for group in groups}
    chosen["expand"][3] = True
    remove(removed, chosen, groups)
    assert (
        abs(float(rises["expand"][3]) - (leave_one_out.loss(removed, SAMPLE) - leave_one_out.loss(network, SAMPLE))) < 1e-6
    )


def test_a_dead_filter_changes_nothing():
    network = nets.build("original", 16)
    with torch.no_grad():
        network.conv2.weight[5], network.conv2.bias[5] = 0, -1
    assert leave_one_out.leave_one_out(network, SAMPLE, lambda line: None)["conv2"][5] == 0


def test_every_criterion_is_compared_and_one_that_cannot_be_is_told():
    lines = []
    rows = leave_one_out.compare(nets.build("original", 16), SAMPLE, lines.append)
    assert len(rows) == 48 and "bn_scale" not in rows[0] and any("bn_scale" in line for line in lines)
    assert "bn_scale" in leave_one_out.compare(nets.build("voxnet"), SAMPLE, lines.append)[0]


def test_rank_correlations():
    rises, scores = [1.0, 2.0, 3.0, 4.0], {"same": [1, 10, 100, 1000], "turned": [4, 3, 2, 1], "flat": [1, 1, 1, 1]}
    rows = [{"layer": "a", "filter": n, "loss_rise": rise, **{name: score[n] for name, score in scores.items()}}
            for n, rise in enumerate(rises)]  # fmt: skip
    found = {row["criterion"]: row["correlation"] for row in leave_one_out.rank_correlations(rows)}
    assert found == {"same": 1.0, "turned": -1.0, "flat": None}
