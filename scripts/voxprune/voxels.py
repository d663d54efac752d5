"""Meshes to voxels: one mesh to an occupancy grid, one folder of meshes to a packed shard."""

import csv
import io
import tempfile
from pathlib import Path

import numpy as np

from voxprune.files import InputError, whole
from voxprune.meshes import find_meshes, open3d, read_mesh

CONVENTIONS = ("centred", "corner")
COLUMNS = ("file", "vertices", "triangles", "occupied_voxels", "status", "reason")


def grid_name(resolution, convention, padding):
    """The settings of a grid in words, as they stand in paths: `32-centred-surface-padding1`."""
    suffix = f"-padding{padding}" if convention == "centred" and padding else ""
    return f"{resolution}-{convention}-surface{suffix}"


def voxelize(mesh, resolution, convention="centred", padding=0):
    """Surface occupancy of an Open3D triangle mesh: bool, shape (resolution, resolution, resolution), axes x, y, z.

    centred: the longest side of the bounding box fills resolution - 2 x padding cells, all axes are centred.
    corner: as the original study did: scaled about the mean of the vertices to a longest side of 1, cells of
    1 / resolution counted from the mesh's own minimum, the overflowing index clipped onto the last cell.
    """
    scaled = open3d().geometry.TriangleMesh(mesh)
    if convention == "corner":
        scaled.scale(1 / np.ptp(np.asarray(mesh.vertices), axis=0).max(), center=mesh.get_center())
        grid = open3d().geometry.VoxelGrid.create_from_triangle_mesh(scaled, voxel_size=1 / resolution)
        cells = np.minimum(_occupied_cells(grid), resolution - 1)
    else:
        scaled.vertices = open3d().utility.Vector3dVector(_centred(np.asarray(mesh.vertices), resolution, padding))
        grid = open3d().geometry.VoxelGrid.create_from_triangle_mesh_within_bounds(
            scaled, 1.0, np.zeros((3, 1)), np.full((3, 1), float(resolution))
        )
        cells = _occupied_cells(grid)
        cells = cells[(cells < resolution).all(axis=1)]  # Open3D's bounds reach one cell too far
    occupancy = np.zeros((resolution,) * 3, dtype=bool)
    occupancy[tuple(cells.T)] = True
    return occupancy


def _centred(vertices, resolution, padding):
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    # A millionth less than full size, so that the outermost faces lie inside their cell and not on its boundary.
    scale = (resolution - 2 * padding) / (high - low).max() * (1 - 1e-6)
    return (vertices - (low + high) / 2) * scale + resolution / 2


def _occupied_cells(grid):
    """Indices of the occupied cells of an Open3D voxel grid, shape (n, 3).

    Through Open3D's own PLY writer, in memory where the system can: several times faster than get_voxels(), which
    builds a Python object for each voxel (a test holds the two equal).
    """
    memory = Path("/dev/shm")
    with tempfile.NamedTemporaryFile(suffix=".ply", dir=memory if memory.is_dir() else None) as file:
        if not open3d().io.write_voxel_grid(file.name, grid):
            raise InputError(f"{file.name}: Open3D can't write its voxel grid; free some space in this folder")
        header, _, body = file.read().partition(b"end_header\n")
    count = int(header.partition(b"element vertex ")[2].split(b"\n", 1)[0])
    row = np.dtype([("cell", "<f8", 3), ("colour", "u1", 3)])
    cells = np.frombuffer(body[-count * row.itemsize :] if count else b"", dtype=row)["cell"]
    return cells.astype(int)  # the writer puts cell numbers, not coordinates, in this field


def pack(occupancy):
    """Packs occupancy, bool (..., R, R, R), eight cells a byte along the last axis: uint8 (..., R, R, ceil(R / 8))."""
    return np.packbits(occupancy, axis=-1)


def unpack(packed, resolution):
    """The inverse of `pack`: bool (..., R, R, R)."""
    return np.unpackbits(packed, axis=-1, count=resolution).astype(bool)


def voxelize_folder(folder, shard, table, resolution, convention, padding, on_bad_mesh="fail", progress=print):
    """Voxelizes every `.off` file of a folder into one shard.

    shard: `.npy` path, uint8 (meshes, R, R, ceil(R / 8)). table: `.csv` path, a row a mesh (COLUMNS); the order of
    its rows with status `ok` is the shard's. A bad mesh raises InputError, or with on_bad_mesh="skip" only gets
    status `skipped` and the reason. Raises InputError where no mesh is left.
    """
    meshes, grids, rows = find_meshes(folder), [], []
    for path in meshes:
        try:
            mesh = read_mesh(path)
            occupancy = voxelize(mesh, resolution, convention, padding)
        except InputError as error:
            if on_bad_mesh == "fail":
                raise
            rows.append((path.name, 0, 0, 0, "skipped", str(error)))
            progress(f"skipped: {error}")
            continue
        grids.append(pack(occupancy))
        rows.append((path.name, len(mesh.vertices), len(mesh.triangles), int(occupancy.sum()), "ok", ""))
    if not grids:
        raise InputError(f"{folder}: no mesh in it could be voxelized; see {table} for the reasons")
    with whole(shard) as temporary, open(temporary, "wb") as file:
        np.save(file, np.stack(grids))
    with whole(table) as temporary:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
        temporary.write_text(text.getvalue())
    progress(f"{len(grids)} of {len(meshes)} meshes voxelized")
