"""Generates the meshes of one class of the embedded furniture data set."""

import argparse

from voxprune.core.command import run_command
from voxprune.core.errors import InputError
from voxprune.datasets import furniture, furniture_classes
from voxprune.settings.dataset import Dataset
from voxprune.settings.options import add_options


def main(options):
    if options.name not in furniture_classes.MAKERS:
        raise InputError(
            f"class {options.name!r} is unknown to furniture; choose from {', '.join(furniture_classes.MAKERS)}"
        )
    numbers = range(1, options.train_per_class + options.test_per_class + 1)
    furniture.generate(options.name, f"{options.folder}/train", numbers[: options.train_per_class], options.seed)
    furniture.generate(options.name, f"{options.folder}/test", numbers[options.train_per_class :], options.seed)


def parse():
    parser = argparse.ArgumentParser(prog="generate_furniture", description=__doc__)
    parser.add_argument("--class", dest="name", required=True, help="one of " + ", ".join(furniture_classes.MAKERS))
    add_options(parser, Dataset, only=["train_per_class", "test_per_class", "seed"])
    parser.add_argument("--folder", required=True, help="folder of the class; train/ and test/ are written in it")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
