"""Exports a checkpoint to a folder that classifies meshes anywhere: ONNX, C code, a classifier in Python and C, a model card."""

import argparse

from voxprune import dataset, networks
from voxprune.deploy import facts
from voxprune.deploy.folder import export
from voxprune.files import InputError, read_json, run_command
from voxprune.grids import CONVENTIONS, OCCUPANCIES, UPS, Grid


def main(options):
    network, recipe = networks.load(options.checkpoint)
    description = network.description
    grid = Grid(
        description["resolution"], options.convention, options.occupancy, options.padding, options.scale, up=options.up
    )
    classes, inputs, test = description["classes"], None, None
    if options.voxels:
        inputs = facts.calibration_inputs(options.voxels, classes, options.calibration_objects, recipe["seed"])
        test = dataset.load_split(options.voxels, "test", classes)
        if test.resolution != grid.resolution:
            raise InputError(f"{options.voxels}: voxels of {test.resolution}^3, but the network takes {grid.resolution}^3")
    metrics, demand = (path and read_json(path) for path in (options.metrics, options.demand))
    about = facts.card_facts(recipe, metrics, demand, options.data_name, options.terms) | {"licence": options.licence}
    missing = export(network, grid, classes, options.folder, inputs, about, options.checkpoint, test)
    for name, reason in missing.items():
        print(f"{name} was not written: {reason}")
    print(f"exported to {options.folder}; its README.md says how to use it")


def scale(text):
    return text if text == "fit" else float(text)


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
    parser.add_argument("--convention", choices=CONVENTIONS, default="centred", help="of the voxels it was trained on")
    parser.add_argument("--occupancy", choices=OCCUPANCIES, default="surface", help="of these voxels")
    parser.add_argument("--padding", type=int, default=0, help="of these voxels")
    parser.add_argument("--scale", type=scale, default="fit", help="of these voxels")
    parser.add_argument("--up", choices=UPS, default="z", help="of the meshes")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
