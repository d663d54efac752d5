"""Sensitivity by layer: each layer alone, to the level asked, on the objects given."""

import torch

from voxprune import networks, pruning, sensitivity
from voxprune.dataset import Voxels
from voxprune.evaluation import predict


def test_each_layer_is_pruned_alone():
    torch.manual_seed(0)
    network = networks.build("resnet3d", 16, ["a", "b", "c"]).eval()
    packed = torch.randint(0, 256, (24, 16, 16, 2), dtype=torch.uint8)
    voxels = Voxels(packed, torch.zeros(24, dtype=torch.int64), None, 16)
    voxels = Voxels(packed, predict(network, voxels).argmax(dim=1), None, 16)  # the parent is right about all
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    rows = sensitivity.by_layer(network, voxels, "validation", [50, 100], lambda line: None)
    roots = list(pruning.unit_sizes(network, sensitivity.CHOICE))
    assert [(row["layer"], row["level_percent"]) for row in rows] == [
        (root, level) for root in roots for level in (0, 50, 100)
    ]
    assert all(row["accuracy_percent"] == 100 for row in rows if row["level_percent"] == 0)
    assert all(row["accuracy_percent_low"] <= row["accuracy_percent"] <= row["accuracy_percent_high"] for row in rows)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    alone = pruning.remove_level(network, sensitivity.CHOICE, 0)
    assert networks.widths(alone) == networks.widths(network)
