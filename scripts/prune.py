"""Prunes a parent to one level by one method and proves what was removed."""

import argparse
import dataclasses

from voxprune import dataset, networks, pruning
from voxprune.files import run_command

PROOF_OBJECTS = 20  # real training objects on which the removed and the masked network must agree


def main(options):
    parent, made = networks.load(options.parent)
    method = pruning.Method(options.unit, options.criterion, options.scope, options.realise)
    voxels = dataset.sample(options.voxels, parent.description["classes"], PROOF_OBJECTS)
    network, difference = pruning.prune(parent, method, options.level, voxels)
    made.update(
        method=options.method, level_percent=options.level, pruning=dataclasses.asdict(method),
        equality_max_abs_difference=difference,
    )  # fmt: skip
    networks.save(network, options.checkpoint, made)
    print(f"filters left: {network.description['widths']}, largest difference to the masked network: {difference}")


def parse():
    units, criteria = (sorted(set(names)) for names in zip(*pruning.CRITERIA))
    parser = argparse.ArgumentParser(prog="prune", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint to prune")
    parser.add_argument("--method", required=True, help="name of the recipe, written into the checkpoint")
    parser.add_argument("--unit", choices=units, required=True)
    parser.add_argument("--criterion", choices=criteria, default="l1")
    parser.add_argument("--scope", choices=("layer",), default="layer")
    parser.add_argument("--realise", choices=("mask", "remove"), required=True)
    parser.add_argument("--level", type=int, required=True, help="percent of each convolution's units, 0 to 100")
    parser.add_argument("--voxels", required=True, help="folder of shards; training objects serve the proof")
    parser.add_argument("--checkpoint", required=True, help="output: .safetensors")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
