"""Pictures the first objects of every class, all seen from the same side."""

import argparse
from pathlib import Path

import numpy as np

from voxprune.core.command import run_command
from voxprune.report import preview


def main(options):
    shards = {Path(path).stem: np.load(path, mmap_mode="r")[:: options.views] for path in options.shards}
    preview.draw(shards, options.picture, options.objects)


def parse():
    parser = argparse.ArgumentParser(prog="draw_preview", description=__doc__)
    parser.add_argument("--shards", nargs="+", required=True, help="<class>.npy of packed voxels")
    parser.add_argument("--views", type=int, default=1, help="grids an object in them; the first is drawn (default 1)")
    parser.add_argument("--objects", type=int, default=6, help="of each class (default 6)")
    parser.add_argument("--picture", required=True, help="output: .png")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
