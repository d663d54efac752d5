"""Sensitivity by layer: each layer alone, to the level asked, on the objects given."""

import torch

from voxprune.networks import build
from voxprune.networks.build import build_network
from voxprune.networks.evaluation import predict
from voxprune.pruning import choose, prune, sensitivity
from voxprune.voxels.dataset import Voxels


def test_each_layer_is_pruned_alone():
    torch.manual_seed(0)
    network = build_network("resnet3d", 16, ["a", "b", "c"]).eval()
    packed = torch.randint(0, 256, (24, 16, 16, 2), dtype=torch.uint8)
    voxels = Voxels(packed, torch.zeros(24, dtype=torch.int64), None, 16)
    voxels = Voxels(packed, predict(network, voxels).argmax(dim=1), None, 16)  # the parent is right about all
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    rows = sensitivity.by_layer(network, voxels, "validation", [50, 100], lambda line: None)
    roots = list(choose.unit_sizes(network, sensitivity.CHOICE))
    assert [(row["layer"], row["level_percent"]) for row in rows] == [
        (root, level) for root in roots for level in (0, 50, 100)
    ]
    assert all(row["correct"] == row["n_samples"] == 24 for row in rows if row["level_percent"] == 0)
    assert all(0 <= row["correct"] <= 24 for row in rows)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    alone = next(prune.remove_levels(network, sensitivity.CHOICE, [0]))
    assert build.widths(alone) == build.widths(network)
