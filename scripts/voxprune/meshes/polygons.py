"""Polygons to triangles, and what is wrong with a mesh. Shared by all readers."""

import numpy as np

try:
    from mapbox_earcut import triangulate_float64
except ImportError:  # a deployed classifier, on a machine with NumPy alone
    from voxprune.meshes.ear_clipping import triangulate_float64


class BadMesh(Exception):
    """Why a file can't be used: the fact alone, without the file's name and the remedy."""


def check_corners(corners, n_vertices):
    """Raises BadMesh where a number in corners, int64, is none of a vertex."""
    if len(corners) and not 0 <= corners.min() <= corners.max() < n_vertices:
        wrong = corners[(corners < 0) | (corners >= n_vertices)][0]
        raise BadMesh(f"a face names vertex {wrong}, but the vertices are numbered 0 to {n_vertices - 1}")


def triangulate(vertices, sizes, corners):
    """Polygons to triangles, int64 (m, 3): a fan where they are convex, ear clipping where not.

    vertices: float64 (n, 3). sizes: corners of each polygon, three or more. corners: vertex numbers of all polygons,
    one after the other. Raises BadMesh where a coordinate isn't finite, or too large for float32 and so for products.
    """
    if not (np.abs(vertices) <= np.finfo(np.float32).max).all():
        raise BadMesh("a coordinate is not a finite number")
    if (sizes == 3).all():
        return corners.reshape(-1, 3)
    starts = np.cumsum(sizes) - sizes
    triangles = [np.empty((0, 3), dtype=np.int64)]
    for size in np.unique(sizes):
        polygons = corners[starts[sizes == size][:, None] + np.arange(size)]
        convex = _convex(vertices[polygons])
        triangles.append(polygons[convex][:, _fan(np.arange(size))].reshape(-1, 3))
        triangles += [polygon[_clip_ears(vertices[polygon])] for polygon in polygons[~convex]]
    return np.concatenate(triangles)


def _fan(corners):
    """Triangles, (size - 2, 3), of a polygon's corners: the first one with each side that it isn't on."""
    return np.stack([np.full(len(corners) - 2, corners[0]), corners[1:-1], corners[2:]], axis=1)


def _convex(points):
    """Which polygons, (k, size, 3), turn the same way at every corner, seen along their normal (Newell's)."""
    edges = np.roll(points, -1, axis=1) - points
    turns = np.cross(edges, np.roll(edges, -1, axis=1))
    return (np.einsum("kij,kj->ki", turns, _normals(points)) >= 0).all(axis=1)


def _normals(points):
    centred = points - points[:, :1]
    return np.cross(centred, np.roll(centred, -1, axis=1)).sum(axis=1)


def _clip_ears(points):
    """Triangles, (m, 3) numbers into the points (size, 3) of one polygon, seen along the largest axis of its normal.

    Ear clipping leaves out corners that look as if they lay on a side, as in a polygon that is bent or has no area:
    triangles between them and that side are added, so that the surface reaches every corner and covers every side.
    """
    seen = np.delete(points, np.abs(_normals(points[None])[0]).argmax(), axis=1)
    found = triangulate_float64(np.ascontiguousarray(seen), np.array([len(points)], dtype=np.uint32))
    found = found.reshape(-1, 3).astype(np.int64)
    if len(found) == len(points) - 2:  # no corner was left out
        return found
    sides = np.sort(found[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2))
    covered = np.isin(np.arange(len(points)), sides[sides[:, 1] - sides[:, 0] == 1, 0])
    covered[-1] = ((sides[:, 0] == 0) & (sides[:, 1] == len(points) - 1)).any()
    return np.concatenate([found, *(_fan(np.append(run[:1], run)) for run in _runs(~covered))])


def _runs(missing):
    """The corners of each chain of sides, bool (size,), that are missing; side i leads from corner i to the next."""
    size = len(missing)
    if missing.all():
        return [np.arange(size)]
    begins = np.flatnonzero(missing & ~np.roll(missing, 1))
    ends = np.flatnonzero(missing & ~np.roll(missing, -1)) + 1
    ends = np.roll(ends, -1) if missing[0] and missing[-1] else ends  # a chain over the polygon's first corner
    return [np.arange(begin, end + 1 if end > begin else end + size + 1) % size for begin, end in zip(begins, ends)]
