"""Generates the meshes of one class of the embedded furniture data set."""

import argparse

from voxprune import furniture
from voxprune.files import InputError, run_command


def main(options):
    if options.name not in furniture.MAKERS:
        raise InputError(f"class {options.name!r} is unknown to furniture; choose from {', '.join(furniture.MAKERS)}")
    numbers = range(1, options.train + options.test + 1)
    furniture.generate(options.name, f"{options.folder}/train", numbers[: options.train], options.seed)
    furniture.generate(options.name, f"{options.folder}/test", numbers[options.train :], options.seed)


def parse():
    parser = argparse.ArgumentParser(prog="generate_furniture", description=__doc__)
    parser.add_argument("--class", dest="name", required=True, help="one of " + ", ".join(furniture.MAKERS))
    parser.add_argument("--train", type=int, required=True, help="number of training meshes")
    parser.add_argument("--test", type=int, required=True, help="number of test meshes")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same meshes (default 0)")
    parser.add_argument("--folder", required=True, help="folder of the class; train/ and test/ are written in it")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
