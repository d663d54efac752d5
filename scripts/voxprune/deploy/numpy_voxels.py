"""Meshes to voxels in NumPy alone: the same cells, bit by bit, as `voxprune.voxels.voxelize` finds by compiled code.

Every sum and product stands in the order in which `voxprune.voxels.rasterize` has it, which is why the cells are the same and not only
nearly so. The test is Akenine-Moeller's (Fast 3D Triangle-Box Overlap Testing, 2001).
"""

import numpy as np

from voxprune.voxels.placement import occupied

NO_AREA = 1e-10  # as in rasterize.py, which this module must not import, because it needs Numba
AT_ONCE = 2**13  # columns or cells tested together: more take more memory, and no longer stay in the processor's cache


def voxelize(mesh, grid):
    """Occupancy of a mesh as it stands (the first of its views): bool (R, R, R), axes x, y, z with z up.

    mesh: vertices float64 (n, 3) and triangles int64 (m, 3). grid: a Grid of one view. Raises InputError as
    `placement.occupied`.
    """
    return occupied(mesh, grid, _mark_surface)[0]


def _mark_surface(occupancy, vertices, triangles, origin, size):
    """Sets occupancy where a closed cube of a cell meets a triangle; see `voxprune.voxels.rasterize.mark_surface`."""
    corners = vertices[triangles]
    first, last = np.ceil((corners.min(axis=1) - origin) / size), np.floor((corners.max(axis=1) - origin) / size)
    computable = ((np.abs(first) < 2**63) & (np.abs(last) < 2**63)).all(axis=1)  # false for what is not a number, too
    corners, first, last = corners[computable], first[computable], last[computable]
    low = np.maximum(0, first.astype(np.int64) - 1)
    counts = np.maximum(0, np.minimum(occupancy.shape[0] - 1, last.astype(np.int64)) - low + 1)
    centre = origin + size / 2
    for some in _batches(counts[:, 0] * counts[:, 1]):
        owner, place = _expanded(counts[some, 0] * counts[some, 1])
        owner = owner + some.start
        i, j = low[owner, 0] + place // counts[owner, 1], low[owner, 1] + place % counts[owner, 1]
        points = corners[owner][..., :2] - np.stack([centre[0] + i * size, centre[1] + j * size], axis=-1)[:, None]
        met = ~_parted(points, corners[owner][..., :2], size / 2)
        owner, i, j, points = owner[met], i[met], j[met], points[met]
        for few in _batches(counts[owner, 2]):
            column, place = _expanded(counts[owner[few], 2])
            column = column + few.start
            _mark_columns(occupancy, corners, owner[column], i[column], j[column], low, place, points[column], centre, size)


def _mark_columns(occupancy, corners, owner, i, j, low, place, points, centre, size):
    k, triangle = low[owner, 2] + place, corners[owner]
    third = triangle[..., 2] - (centre[2] + k * size)[:, None]
    (ab, bc) = (triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 1])
    normal = ab[:, [1, 2, 0]] * bc[:, [2, 0, 1]] - ab[:, [2, 0, 1]] * bc[:, [1, 2, 0]]
    area = np.abs(normal[:, 0]) + np.abs(normal[:, 1]) + np.abs(normal[:, 2])
    lines = area <= NO_AREA * _reaches(ab) * _reaches(bc)
    normal[lines], area[lines] = 0, 0
    far = np.abs(normal[:, 0] * points[:, 0, 0] + normal[:, 1] * points[:, 0, 1] + normal[:, 2] * third[:, 0])
    apart = far > size / 2 * area
    apart |= _parted(np.stack([points[..., 1], third], axis=-1), triangle[..., [1, 2]], size / 2)
    apart |= _parted(np.stack([third, points[..., 0]], axis=-1), triangle[..., [2, 0]], size / 2)
    occupancy[i[~apart], j[~apart], k[~apart]] = True


def _reaches(edges):
    return np.abs(edges[:, 0]) + np.abs(edges[:, 1]) + np.abs(edges[:, 2])


def _parted(points, corners, half):
    """Whether an edge parts triangle and cell, seen along one axis: bool (n,). points: the corners about the cell's centre,
    (n, 3, 2); corners: as they are, for the edges between them."""
    apart = np.zeros(len(points), dtype=bool)
    for first, second, opposite in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        edge = corners[:, second] - corners[:, first]
        one = edge[:, 1] * points[:, first, 0] - edge[:, 0] * points[:, first, 1]
        other = edge[:, 1] * points[:, opposite, 0] - edge[:, 0] * points[:, opposite, 1]
        reach = half * (np.abs(edge[:, 0]) + np.abs(edge[:, 1]))
        apart |= (np.minimum(one, other) > reach) | (np.maximum(one, other) < -reach)
    return apart


def _expanded(counts):
    """(owner, place) of what each of several owners has so many of: 0 0 0 1 1 ..., 0 1 2 0 1 ..."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def _batches(counts):
    """Slices that hold about AT_ONCE things together, at least one owner each."""
    ends, start = np.cumsum(counts), 0
    while start < len(counts):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + AT_ONCE, side="right")))
        yield slice(start, stop)
        start = stop
