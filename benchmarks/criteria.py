"""What ranking costs: each criterion on a network and 256 training objects, against one training epoch.

usage: python benchmarks/criteria.py CHECKPOINT VOXELS [--objects 256]     e.g. results/furniture/seed0/parent/checkpoint.safetensors
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from voxprune import criteria, dataset, networks, training
from voxprune.files import InputError
from voxprune.groups import find_groups


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
    network, made = networks.load(options.checkpoint)
    classes = network.description["classes"]
    sample = criteria.Sample(*dataset.sample(options.voxels, classes, options.objects, 0), 0)
    recipe = replace(training.recipe_of(made), epochs=1)
    voxels = dataset.load_split(options.voxels, "train", classes)
    trained, nothing = networks.load(options.checkpoint)[0], voxels.subset(torch.arange(0))
    with tempfile.TemporaryDirectory() as folder:
        curve = training.fit(trained, voxels, nothing, recipe, 0, Path(folder) / "state", "benchmark")
    epoch = curve[0]["seconds"]
    print(f"{'one epoch of ' + str(len(voxels)) + ' objects':32} {epoch:7.2f} s")
    print(f"{'finding the groups':32} {seconds(lambda: find_groups(network)):7.2f} s")
    groups = find_groups(network)
    for unit, known in criteria.CRITERIA.items():
        for name, criterion in known.items():
            try:
                taken = seconds(lambda criterion=criterion: criterion(network, groups, sample))
                print(f"{unit + ' ' + name:32} {taken:7.2f} s  {taken / epoch:6.3f} epochs")
            except InputError as reason:
                print(f"{unit + ' ' + name:32} left out: {reason}")


if __name__ == "__main__":
    main()
