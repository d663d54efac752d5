"""Is time proportional to MACs? Networks with half their filters, in multiples of 16: measured speedup over MAC reduction.

usage: python benchmarks/speedup.py [--seconds 1.0] [--batch-size 64]
Random weights and random voxels of 32^3: shapes alone decide. `share` is the speedup over the MAC reduction; the best
engine is the one that runs the pruned network fastest.
"""

import argparse
import copy
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from voxprune.core.registry import choices
from voxprune.measurement import compare, latency
from voxprune.measurement.conditions import Windows, cells
from voxprune.networks import build
from voxprune.networks.architectures import resnet3d
from voxprune.networks.build import build_network
from voxprune.networks.cost import network_cost
from voxprune.pruning import prune
from voxprune.settings.method import Method
from voxprune.settings.network import NETWORKS
from voxprune.voxels.dataset import Voxels

CLASSES = [str(number) for number in range(10)]
METHOD = Method("filter", "l1", "layer", "remove", channel_multiple=16)


class Wide(resnet3d.Network):
    """resnet3d with twice the filters, so that half of them is 16 or more in every layer."""

    def __init__(self, resolution, classes):
        super().__init__(resolution, classes)
        self.stem = torch.nn.Conv3d(1, 32, 3, stride=2, padding=1, bias=False)
        self.norm = torch.nn.BatchNorm3d(32)
        blocks = ((32, 32, 1), (32, 64, 2), (64, 128, 2))
        self.block1, self.block2, self.block3 = (resnet3d.Residual(*shape) for shape in blocks)
        self.fc = torch.nn.Linear(128, classes)


def make(name):
    if name in choices(NETWORKS):
        return build_network(name, 32, CLASSES).eval()
    network = Wide(32, len(CLASSES)).eval()
    network.description = {"network": name, "resolution": 32, "classes": CLASSES, "widths": build.widths(network)}
    return network


def random_voxels(count):
    packed = torch.randint(0, 256, (count, 32, 32, 4), dtype=torch.uint8)
    return Voxels(packed, torch.zeros(count, dtype=torch.int64), np.array(["random"] * count), 32)


def main(options):
    torch.manual_seed(0)
    cpu, threads = torch.device("cpu"), [1]
    windows = Windows(repetitions=10, seconds=options.seconds, calls=3, warmup_calls=1, windows=0)
    conditions = cells(["torch", "onnxruntime", "openvino"], threads, [options.batch_size], cpu)
    print(f"{'network':14} {'filters kept':>12} {'MACs':>6} {'engine':>12} {'ms':>7} {'speedup':>20} {'share':>5}  noise")
    for name in [*choices(NETWORKS), "resnet3d x 2"]:
        parent = make(name)
        child = next(prune.remove_levels(parent, METHOD, [50])).eval()
        models = {latency.PARENT: parent, latency.AGAIN: copy.deepcopy(parent), "child": child}
        voxels = random_voxels(options.batch_size)
        measured = compare.measure(models, voxels, conditions, windows, cpu, report=lambda line: None)
        reduction = network_cost(parent)["macs"] / network_cost(child)["macs"]
        kept = f"{sum(build.widths(child).values())} of {sum(build.widths(parent).values())}"
        best = min(measured.figures["child"], key=lambda cell: cell["latency_ms"]["p50"])
        for cell in measured.figures["child"]:
            speedup = cell["speedup"]
            interval = f"{speedup['mean']:.2f} ({speedup['low']:.2f}-{speedup['high']:.2f})"
            print(
                f"{name:14} {kept:>12} {reduction:5.2f}x {cell['engine']:>12} {cell['latency_ms']['p50']:7.2f} {interval:>20} "
                f"{speedup['mean'] / reduction:5.2f}  {speedup['least_percent']:.1f} %{'  best' if cell is best else ''}"
            )
        for reason in measured.invalid_reasons:
            print(f"invalid: {reason}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="of timed calls a network, engine and round")
    parser.add_argument("--batch-size", type=int, default=64)
    main(parser.parse_args())
