"""Downloads ModelNet10 (resumed after an interruption), checks size and SHA-256, extracts it and checks the counts."""

import argparse

from voxprune import modelnet
from voxprune.files import run_command


def main(options):
    modelnet.download(options.archive)
    modelnet.extract(options.archive, options.folder, options.classes)


def parse():
    parser = argparse.ArgumentParser(prog="fetch_modelnet", description=__doc__)
    parser.add_argument("--archive", default="data/ModelNet10.zip", help="where the archive lies or is put (473 MB)")
    parser.add_argument("--folder", required=True, help="output: <class>/<split>/*.off are written in it")
    parser.add_argument("--classes", nargs="+", default=list(modelnet.COUNTS), help="default: all ten")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
