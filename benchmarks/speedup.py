"""Does time follow MACs? Networks at half their filters on a 16-channel grid: measured speedup over the MAC reduction.

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
from voxprune import measurement, networks, pruning
from voxprune.dataset import Voxels
from voxprune.evaluation import cost

CLASSES = [str(number) for number in range(10)]
METHOD = pruning.Method("filter", "l1", "layer", "remove", grid=16)


class Wide(networks.ResNet3d):
    """resnet3d with twice the filters, so that half of them is 16 or more in every layer."""

    def __init__(self, resolution, classes):
        super().__init__(resolution, classes)
        self.stem = torch.nn.Conv3d(1, 32, 3, stride=2, padding=1, bias=False)
        self.norm = torch.nn.BatchNorm3d(32)
        blocks = ((32, 32, 1), (32, 64, 2), (64, 128, 2))
        self.block1, self.block2, self.block3 = (networks.Residual(*shape) for shape in blocks)
        self.fc = torch.nn.Linear(128, classes)


def build(name):
    if name in networks.NETWORKS:
        return networks.build(name, 32, CLASSES).eval()
    network = networks.tolerate_empty(Wide(32, len(CLASSES))).eval()
    network.description = {"network": name, "resolution": 32, "classes": CLASSES, "widths": networks.widths(network)}
    return network


def random_voxels(count):
    packed = torch.randint(0, 256, (count, 32, 32, 4), dtype=torch.uint8)
    return Voxels(packed, torch.zeros(count, dtype=torch.int64), np.array(["random"] * count), 32)


def main(options):
    torch.manual_seed(0)
    cpu, threads = torch.device("cpu"), [1]
    windows = measurement.Windows(5, options.seconds, 3, 1, 0, 0)
    conditions = measurement.cells(["torch", "onnxruntime", "openvino"], threads, [options.batch_size], cpu)
    print(f"{'network':14} {'filters kept':>12} {'MACs':>6} {'engine':>12} {'ms':>7} {'speedup':>20} {'share':>5}  noise")
    for name in [*networks.NETWORKS, "resnet3d x 2"]:
        parent = build(name)
        child = pruning.remove_level(parent, METHOD, 50).eval()
        models = {measurement.PARENT: parent, measurement.AGAIN: copy.deepcopy(parent), "child": child}
        voxels = random_voxels(options.batch_size)
        measured = measurement.measure(models, voxels, conditions, windows, cpu, report=lambda line: None)
        reduction = cost(parent)["macs"] / cost(child)["macs"]
        kept = f"{sum(networks.widths(child).values())} of {sum(networks.widths(parent).values())}"
        best = min(measured.figures["child"], key=lambda cell: cell["latency_ms"]["p50"])
        for cell in measured.figures["child"]:
            speedup = cell["speedup"]
            interval = f"{speedup['mean']:.2f} ({speedup['low']:.2f}-{speedup['high']:.2f})"
            print(
                f"{name:14} {kept:>12} {reduction:5.2f}x {cell['engine']:>12} {cell['latency_ms']['p50']:7.2f} {interval:>20} "
                f"{speedup['mean'] / reduction:5.2f}  {speedup['noise_percent']:.1f} %{'  best' if cell is best else ''}"
            )
        for reason in measured.invalid_reasons:
            print(f"invalid: {reason}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="of timed calls a network, engine and round")
    parser.add_argument("--batch-size", type=int, default=64)
    main(parser.parse_args())
