"""Exports a checkpoint to a folder that classifies meshes anywhere: ONNX, C code, a classifier in Python and C, a model card."""

import argparse

from voxprune.core.command import run_command
from voxprune.core.errors import InputError
from voxprune.core.files import read_json
from voxprune.deploy import facts
from voxprune.deploy.folder import export
from voxprune.networks.checkpoint import load_checkpoint
from voxprune.voxels import dataset


def main(options):
    network, origin = load_checkpoint(options.checkpoint)
    classes, inputs, test = network.description["classes"], None, None
    if options.voxels:
        inputs = facts.calibration_inputs(options.voxels, classes, options.calibration_objects, origin.seed)
        test = dataset.load_split(options.voxels, "test", classes)
        if test.resolution != origin.grid.resolution:
            raise InputError(
                f"{options.voxels}: voxels of {test.resolution}^3, but the network takes {origin.grid.resolution}^3"
            )
    metrics, demand = (path and read_json(path) for path in (options.metrics, options.demand))
    about = facts.card_facts(origin, metrics, demand, options.data_name, options.terms) | {"licence": options.licence}
    missing = export(network, origin.grid, classes, options.folder, inputs, about, options.checkpoint, test)
    for name, reason in missing.items():
        print(f"{name} was not written: {reason}")
    print(f"exported to {options.folder}; its README.md says how to use it")


def parse():
    parser = argparse.ArgumentParser(prog="export", description=__doc__)
    parser.add_argument("--checkpoint", required=True, help="the network to export")
    parser.add_argument("--folder", required=True, help="output: the folder")
    parser.add_argument(
        "--voxels", help="folder of shards, to calibrate eight bits and to compare the files on test objects"
    )
    parser.add_argument("--calibration-objects", type=int, default=128, help="training objects for that (default 128)")
    parser.add_argument("--metrics", help="metrics.json of the checkpoint, for the card")
    parser.add_argument("--demand", help="demand.json of the checkpoint, for the card")
    parser.add_argument("--data-name", default="", help="name of the data set, for the card")
    parser.add_argument("--terms", default="", help="terms of the data set, a sentence for the card")
    parser.add_argument("--licence", default="not given, so ask before use", help="of the network, for the card")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
