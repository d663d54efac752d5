"""Voxelizes one folder of .off meshes into one packed shard (.npy) and a table of its meshes (.csv)."""

import argparse

from voxprune.files import run_command
from voxprune.voxels import CONVENTIONS, voxelize_folder


def main(options):
    voxelize_folder(
        options.meshes, options.shard, options.table, options.resolution, options.convention, options.padding,
        options.on_bad_mesh,
    )  # fmt: skip


def parse():
    parser = argparse.ArgumentParser(prog="voxelize", description=__doc__)
    parser.add_argument("--meshes", required=True, help="folder of .off files")
    parser.add_argument("--shard", required=True, help="output: uint8 (meshes, R, R, ceil(R/8)), packed along z")
    parser.add_argument("--table", required=True, help="output: one row a mesh")
    parser.add_argument("--resolution", type=int, default=32, help="cells along each side of the grid (default 32)")
    parser.add_argument("--convention", choices=CONVENTIONS, default="centred", help="default centred")
    parser.add_argument("--padding", type=int, default=0, help="cells left empty around a centred object (default 0)")
    parser.add_argument("--on-bad-mesh", choices=("fail", "skip"), default="fail", help="default fail")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
