"""Resident memory of training on 4,899 shapes at 100^3 with the study's network, and the share of the data in it.

usage: python benchmarks/memory.py [--batch-size 8] [--steps 3] [--network original]
"""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from voxprune.datasets.modelnet import MODELNET
from voxprune.networks import device
from voxprune.networks.build import build_network
from voxprune.voxels import dataset

RESOLUTION = 100
COUNTS = MODELNET["modelnet10"].counts


def write_shards(folder):
    """Shards as large as ModelNet10's at 100^3; what the bits are does not matter for memory."""
    for name, (train, test) in COUNTS.items():
        (folder / "train").mkdir(exist_ok=True)
        shape = (train + test, RESOLUTION, RESOLUTION, -(-RESOLUTION // 8))
        shard = np.lib.format.open_memmap(folder / f"train/{name}.npy", "w+", np.uint8, shape)
        shard[:, :, :, 0] = 1
        rows = [f"{number}.off,0,0,0,ok," for number in range(train + test)]
        (folder / f"train/{name}.csv").write_text(
            "\n".join(["file,vertices,triangles,occupied_voxels,status,reason", *rows])
        )


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--network", default="original")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_shards(Path(folder))
        print(f"writing the shards, torch loaded   {peak_megabytes():8.0f} MB")
        voxels = dataset.load_split(folder, "train", list(COUNTS))
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.npy"))
        print(f"{len(voxels)} shapes opened              {peak_megabytes():8.0f} MB, on the disk {size / 2**20:.0f} MB")
        network = device.to_device(build_network(options.network, RESOLUTION, list(COUNTS)), torch.device("cpu"))
        optimiser = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
        order = torch.randperm(len(voxels))[: options.steps * options.batch_size]
        for inputs, labels in dataset.batches(voxels, options.batch_size, order):
            optimiser.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(network(inputs), labels).backward()
            optimiser.step()
        print(f"{options.steps} steps of {options.batch_size:3}                     {peak_megabytes():8.0f} MB")


if __name__ == "__main__":
    main()
