"""Where a mesh lies on its grid, and which cells count as occupied, given a function that marks the surface.

NumPy alone, because a deployed classifier uses it too.
"""

import numpy as np

from voxprune.core.errors import InputError
from voxprune.meshes.read import REMEDY, Mesh, as_open3d_reads, drawn_vertices

UPRIGHT = {  # where a mesh's x, y and z axis go, a row each, so that the named one points up
    "z": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "y": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    "x": [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
}


def occupied(mesh, grid, mark_surface):
    """Occupancy of a mesh in all views: bool, shape (views, R, R, R), axes x, y, z with z up.

    mark_surface: a function as `rasterize.mark_surface`.
    centred: the middle of the bounding box of what is drawn (vertices of no face don't count) lies in the middle of the
    grid; at `scale: fit` its longest side fills R - 2 x padding cells, in each view anew.
    corner: as the original study did: coordinates rounded as Open3D reads them, scaled to a longest side of 1 (vertices of
    no face count), cells of 1 / R counted from half a cell before the mesh's own minimum, the overflowing index clipped
    onto the last cell.
    Raises InputError where an object is larger than `scale` in one of the views, or its numbers leave a grid empty.
    """
    place = _centred if grid.convention == "centred" else _corner
    with np.errstate(all="ignore"):  # what rounding can't represent ends in an empty grid, which is told
        occupancy = np.stack([place(view, grid, mark_surface) for view in _views(mesh, grid)])
    if not occupancy.any(axis=(1, 2, 3)).all():
        raise InputError(
            f"its longest side, {np.ptp(drawn_vertices(mesh), axis=0).max():.6g}, is too small or too large to compute with; "
            f"give it in another unit, {REMEDY}"
        )
    return occupancy | hidden_cells(occupancy) if grid.occupancy == "solid" else occupancy


def _views(mesh, grid):
    """The mesh with z up, turned about z by 0, 1, ... (views - 1) steps of 360 degrees / views, counter-clockwise."""
    vertices = as_open3d_reads(mesh) if grid.convention == "corner" else mesh.vertices
    upright = vertices @ np.array(UPRIGHT[grid.up], dtype=float)
    for step in range(grid.views):
        angle = 2 * np.pi * step / grid.views
        turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        yield Mesh(upright @ turn if step else upright, mesh.triangles)


def _centred(mesh, grid, mark_surface):
    drawn = drawn_vertices(mesh)
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    longest = (high - low).max()
    if grid.scale != "fit" and longest > grid.scale:
        raise InputError(
            f"its longest side is {longest:.6g}, more than voxels.scale {grid.scale}; raise that, or make it smaller"
        )
    # A millionth less than full size, so that the outermost faces lie inside their cell and not on its boundary.
    cells = (grid.resolution - 2 * grid.padding) / (longest if grid.scale == "fit" else grid.scale) * (1 - 1e-6)
    occupancy = np.zeros((grid.resolution,) * 3, dtype=bool)
    mark_surface(
        occupancy, (mesh.vertices - (low + high) / 2) * cells + grid.resolution / 2, mesh.triangles, np.zeros(3), 1.0
    )
    return occupancy


def _corner(mesh, grid, mark_surface):
    size = 1 / grid.resolution
    vertices = (mesh.vertices - mesh.vertices.mean(axis=0)) / np.ptp(mesh.vertices, axis=0).max()
    occupancy = np.zeros((grid.resolution + 1,) * 3, dtype=bool)
    mark_surface(occupancy, vertices, mesh.triangles, vertices.min(axis=0) - size / 2, size)
    for axis in range(3):
        layers = np.moveaxis(occupancy, axis, 0)
        layers[-2] |= layers[-1]
    return occupancy[:-1, :-1, :-1]


def hidden_cells(occupancy):
    """Cells that no ray along x, y or z reaches from outside: the surface lies on both sides of them on all three axes.

    Unlike filling what is closed, and unlike counting crossings, this tolerates gaps, inner walls and duplicate faces, all
    common in CAD models: a gap lets out only the rays that pass through it. What is open to one side stays hollow.
    """
    hidden = np.ones_like(occupancy)
    for axis in (-3, -2, -1):
        for direction in (1, -1):
            seen = np.logical_or.accumulate(np.flip(occupancy, axis) if direction < 0 else occupancy, axis=axis)
            hidden &= np.flip(seen, axis) if direction < 0 else seen
    return hidden
