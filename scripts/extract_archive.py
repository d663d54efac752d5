"""Extracts the meshes of some classes from an archive of your own into <class>/<train or test>/*."""

import argparse

from voxprune.core.command import run_command
from voxprune.datasets.archives import choose, extract
from voxprune.settings.dataset import Dataset
from voxprune.settings.options import add_options


def main(options):
    members = choose(options.archive, options.classes, options.test_percent, options.seed)
    extract(options.archive, options.folder, members)


def parse():
    parser = argparse.ArgumentParser(prog="extract_archive", description=__doc__)
    parser.add_argument("--archive", required=True, help="a .zip of <class>/<split>/*, <split>/<class>/* or <class>/*")
    parser.add_argument("--folder", required=True, help="output: <class>/<split>/* are written in it")
    parser.add_argument("--classes", nargs="+", action="extend", required=True)
    add_options(parser, Dataset, only=["test_percent", "seed"])
    return parser


if __name__ == "__main__":
    run_command(main, parse())
