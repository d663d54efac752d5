"""Voxelizes the meshes of one class and split into one packed shard (.npy) and a table of its meshes (.csv)."""

import argparse
import dataclasses

from voxprune.files import run_command
from voxprune.grids import CONVENTIONS, OCCUPANCIES, UPS, Grid
from voxprune.trees import SPLITS, find_meshes
from voxprune.voxels import voxelize_meshes


def main(options):
    grid = Grid(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Grid)})
    meshes = find_meshes(options.meshes, options.split, options.test_percent, options.seed)
    voxelize_meshes(meshes, options.shard, options.table, grid, options.kept, options.on_bad_mesh, options.workers)


def scale(text):
    return text if text == "fit" else float(text)


def parse():
    parser = argparse.ArgumentParser(prog="voxelize", description=__doc__)
    parser.add_argument("--meshes", required=True, help="folder of meshes: .off .obj .stl .ply .gltf .glb")
    parser.add_argument("--split", choices=SPLITS, help="only these, where the folder holds both (default: all)")
    parser.add_argument("--test-percent", type=float, default=20, help="share of them for test, drawn (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="of that draw (default 0)")
    parser.add_argument("--shard", required=True, help="output: uint8 (meshes * views, R, R, ceil(R/8)), packed along z")
    parser.add_argument("--table", required=True, help="output: one row a mesh")
    parser.add_argument("--kept", required=True, help="folder where each finished mesh stays, for the next run")
    parser.add_argument("--resolution", type=int, default=32, help="cells along each side of the grid (default 32)")
    parser.add_argument("--convention", choices=CONVENTIONS, default="centred", help="default centred")
    parser.add_argument("--occupancy", choices=OCCUPANCIES, default="surface", help="default surface")
    parser.add_argument("--padding", type=int, default=0, help="cells left empty around a centred object (default 0)")
    parser.add_argument("--scale", type=scale, default="fit", help="fit, or the length that fills the grid (default fit)")
    parser.add_argument("--views", type=int, default=1, help="grids a mesh, turned about the up axis (default 1)")
    parser.add_argument("--up", choices=UPS, default="z", help="the meshes' axis that points upwards (default z)")
    parser.add_argument("--on-bad-mesh", choices=("fail", "skip"), default="fail", help="default fail")
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
