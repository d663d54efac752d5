"""Downloads ModelNet10 or 40 (resumed after an interruption), checks size, SHA-256 and counts, and extracts it."""

import argparse

from voxprune.core.command import run_command
from voxprune.datasets.modelnet import MODELNET, download, extract_modelnet


def main(options):
    published = MODELNET[options.dataset]
    download(options.archive, published)
    extract_modelnet(options.archive, options.folder, options.classes or list(published.counts), published.counts)


def parse():
    parser = argparse.ArgumentParser(prog="fetch_modelnet", description=__doc__)
    parser.add_argument("--dataset", choices=list(MODELNET), default="modelnet10", help="default modelnet10")
    parser.add_argument("--archive", required=True, help="where the .zip lies or is put (0.5 or 2 GB)")
    parser.add_argument("--folder", required=True, help="output: <class>/<split>/*.off are written in it")
    parser.add_argument("--classes", nargs="+", help="default: all")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
