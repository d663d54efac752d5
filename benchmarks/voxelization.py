"""Voxelizing one mesh at 100^3: voxprune against the original study's loop and against Open3D's read + create alone.

usage: python benchmarks/voxelization.py MESHES [--repeat 5]     one core, CPU time; the ratios are what counts
"""

import argparse
import ctypes
import os
import sys
import tempfile
import time
from pathlib import Path

import libusb_package
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from voxprune.datasets.folders import find_meshes
from voxprune.meshes.read import read_mesh
from voxprune.settings.voxels import Grid
from voxprune.voxels.voxelize import pack, voxelize

ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
import open3d

RESOLUTION = 100


def study(path, folder):
    """The study's loop: an int64 array filled voxel by voxel, one compressed file a mesh."""
    mesh = open3d.io.read_triangle_mesh(str(path))
    mesh.scale(1 / np.max(mesh.get_max_bound() - mesh.get_min_bound()), center=mesh.get_center())
    grid = open3d.geometry.VoxelGrid.create_from_triangle_mesh(mesh, voxel_size=1 / RESOLUTION)
    indices = np.array([voxel.grid_index for voxel in grid.get_voxels()])
    array = np.zeros((RESOLUTION,) * 3, dtype=np.int64)
    for x, y, z in np.clip(indices, 0, RESOLUTION - 1):
        array[x, y, z] = 1
    np.savez_compressed(folder / "one.npz", array)
    return array.astype(bool)


def ours(path, folder):
    """As the workflow does it: kept compressed, and the packed bytes appended to the shard."""
    occupancy = voxelize(read_mesh(path), Grid(RESOLUTION, "corner", padding=0))
    packed = pack(occupancy)
    np.savez_compressed(folder / "cache.npz", packed=packed)
    (folder / "one.npy").write_bytes(packed.tobytes())
    return occupancy[0]


def floor(path, folder):
    mesh = open3d.io.read_triangle_mesh(str(path))
    mesh.scale(1 / np.max(mesh.get_max_bound() - mesh.get_min_bound()), center=mesh.get_center())
    open3d.geometry.VoxelGrid.create_from_triangle_mesh(mesh, voxel_size=1 / RESOLUTION)


def milliseconds(work, path, folder, repeat):
    times = []
    for _ in range(repeat):
        started = time.process_time()
        work(path, folder)
        times.append(1e3 * (time.process_time() - started))
    return min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("meshes", help="folder of .off files")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    open3d.utility.set_verbosity_level(open3d.utility.VerbosityLevel.Error)
    total = np.zeros(3)
    print(f"{'mesh':32} {'study ms':>9} {'ours ms':>9} {'floor ms':>9} {'faster':>7}")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for path in find_meshes(options.meshes):
            if len(open3d.io.read_triangle_mesh(str(path)).triangles) == 0:
                print(f"{path.name:32} Open3D can't read it, so the study's loop has nothing to compare")
                continue
            assert np.array_equal(study(path, folder), ours(path, folder)), f"{path}: the grids differ"
            row = np.array([milliseconds(work, path, folder, options.repeat) for work in (study, ours, floor)])
            total += row
            print(f"{path.name:32} {row[0]:9.1f} {row[1]:9.1f} {row[2]:9.1f} {row[0] / row[1]:6.1f}x")
    print(f"{'all':32} {total[0]:9.1f} {total[1]:9.1f} {total[2]:9.1f} {total[0] / total[1]:6.1f}x")


if __name__ == "__main__":
    main()
