"""Voxelizes the meshes of one class, those of each split into one packed shard (.npy) and a table of its meshes (.csv)."""

import argparse

from voxprune.core.command import run_command
from voxprune.core.errors import InputError
from voxprune.datasets.folders import SPLITS, find_meshes
from voxprune.settings.dataset import Dataset
from voxprune.settings.options import add_options, from_options
from voxprune.settings.voxels import Grid, Voxels
from voxprune.voxels.voxelize import voxelize_meshes


def main(options):
    grid, splits = from_options(Grid, options), options.splits or [None] * len(options.meshes)
    if not len(options.meshes) == len(splits) == len(options.shards) == len(options.tables) == len(options.caches):
        raise InputError("give as many --splits (or none), --shards, --tables and --caches as --meshes")
    wrong = []
    for folder, split, *files in zip(options.meshes, splits, options.shards, options.tables, options.caches):
        try:
            meshes = find_meshes(folder, split, options.test_percent, options.seed)
            voxelize_meshes(meshes, *files, grid, options.on_bad_mesh, options.workers)
        except InputError as error:  # the bad meshes of the other split are told in the same run
            wrong.append(str(error))
    if wrong:
        raise InputError("; ".join(wrong))


def parse():
    parser = argparse.ArgumentParser(prog="voxelize", description=__doc__)
    parser.add_argument(
        "--meshes", nargs="+", required=True, help="folders of meshes, one a shard: .off .obj .stl .ply .gltf .glb"
    )
    parser.add_argument(
        "--splits", nargs="+", choices=SPLITS, help="what each shard takes of a folder that holds both (default: all)"
    )
    add_options(parser, Dataset, only=["test_percent", "seed"])
    parser.add_argument(
        "--shards", nargs="+", required=True, help="outputs: uint8 (meshes * views, R, R, ceil(R/8)), packed along z"
    )
    parser.add_argument("--tables", nargs="+", required=True, help="outputs, one a shard: one row a mesh")
    parser.add_argument(
        "--caches", nargs="+", required=True, help="folders, one a shard, where each finished mesh stays, for the next run"
    )
    add_options(parser, Grid)
    add_options(parser, Voxels, only=["on_bad_mesh"])
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
