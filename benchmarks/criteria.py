"""What ranking costs: each criterion on a network and 256 training objects, against one training epoch.

usage: python benchmarks/criteria.py CHECKPOINT VOXELS [--objects 256]     e.g. results/furniture/seed0/parent/checkpoint.safetensors
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import torch
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from voxprune.core.errors import InputError
from voxprune.networks.checkpoint import load_checkpoint
from voxprune.pruning.groups import find_groups
from voxprune.pruning.scoring import Sample, criterion
from voxprune.settings.method import criteria
from voxprune.training.fit import fit
from voxprune.training.job import Job
from voxprune.voxels import dataset


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("voxels")
    parser.add_argument("--objects", type=int, default=256)
    options = parser.parse_args()
    network, origin = load_checkpoint(options.checkpoint)
    classes = network.description["classes"]
    sample = Sample(*dataset.sample(options.voxels, classes, options.objects, 0), 0)
    recipe = replace(origin.recipe, epochs=1)
    voxels = dataset.load_split(options.voxels, "train", classes)
    trained, nothing = load_checkpoint(options.checkpoint)[0], voxels.subset(torch.arange(0))
    with tempfile.TemporaryDirectory() as folder:
        curve = fit(trained, recipe, Job(voxels, nothing, 0, Path(folder) / "state", "benchmark"))
    epoch = curve[0]["seconds"]
    print(f"{'one epoch of ' + str(len(voxels)) + ' objects':32} {epoch:7.2f} s")
    print(f"{'finding the groups':32} {seconds(lambda: find_groups(network)):7.2f} s")
    groups = find_groups(network)
    for unit in ("filter", "weight"):
        for name in criteria(unit):
            score = criterion(unit, name)
            try:
                taken = seconds(lambda score=score: score(network, groups, sample))
                print(f"{unit + ' ' + name:32} {taken:7.2f} s  {taken / epoch:6.3f} epochs")
            except InputError as reason:
                print(f"{unit + ' ' + name:32} left out: {reason}")


if __name__ == "__main__":
    main()
