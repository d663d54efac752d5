"""Voxelizes the meshes of one class and split into one packed shard (.npy) and a table of its meshes (.csv)."""

import argparse

from voxprune.core.command import run_command
from voxprune.datasets.folders import SPLITS, find_meshes
from voxprune.settings.dataset import Dataset
from voxprune.settings.options import add_options, from_options
from voxprune.settings.voxels import Grid, Voxels
from voxprune.voxels.voxelize import voxelize_meshes


def main(options):
    grid = from_options(Grid, options)
    meshes = find_meshes(options.meshes, options.split, options.test_percent, options.seed)
    voxelize_meshes(meshes, options.shard, options.table, grid, options.cache, options.on_bad_mesh, options.workers)


def parse():
    parser = argparse.ArgumentParser(prog="voxelize", description=__doc__)
    parser.add_argument("--meshes", required=True, help="folder of meshes: .off .obj .stl .ply .gltf .glb")
    parser.add_argument("--split", choices=SPLITS, help="only these, where the folder holds both (default: all)")
    add_options(parser, Dataset, only=["test_percent", "seed"])
    parser.add_argument("--shard", required=True, help="output: uint8 (meshes * views, R, R, ceil(R/8)), packed along z")
    parser.add_argument("--table", required=True, help="output: one row a mesh")
    parser.add_argument("--cache", required=True, help="folder where each finished mesh stays, for the next run")
    add_options(parser, Grid)
    add_options(parser, Voxels, only=["on_bad_mesh"])
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
