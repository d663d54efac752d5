"""Extracts the meshes of some classes from an archive of your own into <class>/<train or test>/*."""

import argparse

from voxprune.archives import choose, extract
from voxprune.files import run_command


def main(options):
    members = choose(options.archive, options.classes, options.test_percent, options.seed)
    extract(options.archive, options.folder, members)


def parse():
    parser = argparse.ArgumentParser(prog="extract_archive", description=__doc__)
    parser.add_argument("--archive", required=True, help="a .zip of <class>/<split>/*, <split>/<class>/* or <class>/*")
    parser.add_argument("--folder", required=True, help="output: <class>/<split>/* are written in it")
    parser.add_argument("--classes", nargs="+", action="extend", required=True)
    parser.add_argument("--test-percent", type=float, default=20, help="drawn where it has no splits (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="of that draw (default 0)")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
