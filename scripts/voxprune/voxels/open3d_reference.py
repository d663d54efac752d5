"""Voxels as the original study made them: a mesh read, scaled and voxelized by Open3D, in a child process.

Open3D ends the process that it runs in on some damaged files (a segmentation fault). Here it ends only its own: that becomes
one sentence about the mesh, and the next mesh gets a new child. Open3D: https://www.open3d.org/docs/release/.
"""

import contextlib
import ctypes
import importlib.metadata
import multiprocessing
from typing import NamedTuple

import numpy as np

from voxprune.core.errors import InputError
from voxprune.meshes.read import REMEDY

PACKAGES = ("open3d", "open3d-cpu")  # which carry the same module
MOST_SECONDS = 600  # for one mesh


class StudyVoxels(NamedTuple):
    """occupancy: bool (1, R, R, R), axes as in the file. vertices, triangles: how many Open3D read."""

    occupancy: np.ndarray
    vertices: int
    triangles: int


@contextlib.contextmanager
def open3d_voxelizer(most_seconds=MOST_SECONDS):
    """Yields a function of a mesh's path and a resolution R that gives its StudyVoxels; meant for all meshes of a job:

        with open3d_voxelizer() as voxelize:
            for path in meshes:
                occupancy, vertices, triangles = voxelize(path, 100)

    The steps are the study's: `read_triangle_mesh`, scaled about its centre to a longest side of 1,
    `create_from_triangle_mesh` with cells of 1 / R, indices clipped to R - 1. On a mesh that Open3D reads rightly the cells
    are those of `voxelize(read_mesh(path), Grid(R, "corner"))`. Other settings of a grid (padding, views, scale, solid, up) the
    study didn't have.

    One child, which takes a second or two to start, works on one mesh after the other. It must be started from a script
    whose work stands below `if __name__ == "__main__"`, and a process of several workers needs one each. Raises InputError
    where Open3D can't be imported, at the beginning; the function raises it, naming the mesh, where Open3D crashes on it,
    finds no triangles, fails, or takes longer than most_seconds.
    """
    child = _start()

    def voxelize(path, resolution):
        nonlocal child
        child = child or _start()
        answer = _ask(*child, (str(path), resolution), most_seconds)
        if isinstance(answer, StudyVoxels):
            return answer
        if not child[0].is_alive():
            child = None
        raise InputError(f"{path}: {answer}; {REMEDY}")

    try:
        yield voxelize
    finally:
        if child:
            _end(*child)


def open3d_version():
    """The version of Open3D that is installed, for the key of what it made; None without."""
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(package)
    return None


def _start():
    """(process, connection) of a child that has imported Open3D."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    process.start()
    there.close()
    answer = _ask(process, here, None, MOST_SECONDS)
    if answer is not None:
        _end(process, here)
        raise InputError(
            f"Open3D can't be used: {answer}; install it (pip install -r envs/open3d.txt -c envs/constraints.txt; bash "
            "envs/system_libraries.sh), or voxelize without it"
        )
    return process, here


def _ask(process, connection, question, most_seconds):
    """What the child answers, a fact in words where it ends or takes too long; then it is gone."""
    try:
        if question is not None:
            connection.send(question)
        if connection.poll(most_seconds):
            return connection.recv()
        _end(process, connection)
        return f"Open3D doesn't come to an end with it within {most_seconds} seconds"
    except (EOFError, OSError):
        process.join()
        connection.close()
        return f"Open3D crashes on it ({'signal' if process.exitcode < 0 else 'status'} {abs(process.exitcode)})"


def _end(process, connection):
    connection.close()
    process.kill()
    process.join()


def _serve(connection):
    """The child's work: says None, or why it can't import Open3D, then answers one path and resolution after the other."""
    try:
        open3d = _import_open3d()
    except (ImportError, OSError) as error:  # a system library may lack
        connection.send(f"{error}".splitlines()[0])
        return
    connection.send(None)
    with contextlib.suppress(EOFError):  # the parent is done, or gone
        while True:
            path, resolution = connection.recv()
            try:
                connection.send(_voxelize(open3d, path, resolution))
            except (RuntimeError, ValueError, MemoryError) as error:
                connection.send(f"Open3D fails on it ({type(error).__name__}: {error})".replace("\n", " ")[:200])


def _import_open3d():
    with contextlib.suppress(ImportError):  # Open3D needs libusb, which this package carries where the system has none
        import libusb_package

        ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
    import open3d

    open3d.utility.set_verbosity_level(open3d.utility.VerbosityLevel.Error)
    return open3d


def _voxelize(open3d, path, resolution):
    mesh = open3d.io.read_triangle_mesh(path)
    longest = np.max(mesh.get_max_bound() - mesh.get_min_bound())
    if not len(mesh.triangles):
        return "Open3D finds no triangles in it"
    if not 0 <= np.min(mesh.triangles) <= np.max(mesh.triangles) < len(mesh.vertices):  # it would read memory at random
        return "a face names a vertex that isn't there"
    if not 0 < longest < np.inf:
        return f"its longest side is {longest:.6g}, as Open3D reads it"
    mesh.scale(1 / longest, center=mesh.get_center())
    grid = open3d.geometry.VoxelGrid.create_from_triangle_mesh(mesh, voxel_size=1 / resolution)
    cells = np.array([voxel.grid_index for voxel in grid.get_voxels()]).reshape(-1, 3)
    if not len(cells):
        return "Open3D leaves its grid empty"
    occupancy = np.zeros((1, resolution, resolution, resolution), dtype=bool)
    occupancy[0][tuple(np.clip(cells, 0, resolution - 1).T)] = True
    return StudyVoxels(occupancy, len(mesh.vertices), len(mesh.triangles))
