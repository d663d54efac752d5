"""Polygons to triangles, and what is wrong with a mesh. Shared by all readers."""

import mapbox_earcut
import numpy as np


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
    starts = np.cumsum(sizes) - sizes
    triangles = [np.empty((0, 3), dtype=np.int64)]
    for size in np.unique(sizes):
        polygons = corners[starts[sizes == size][:, None] + np.arange(size)]
        convex = np.ones(len(polygons), dtype=bool) if size == 3 else _convex(vertices[polygons])
        triangles += [polygons[convex][:, [0, i, i + 1]] for i in range(1, size - 1)]
        triangles += [polygon[_clip_ears(vertices[polygon])] for polygon in polygons[~convex]]
    return np.concatenate(triangles)


def _convex(points):
    """Which polygons, (k, size, 3), turn the same way at every corner, seen along their normal (Newell's)."""
    edges = np.roll(points, -1, axis=1) - points
    turns = np.cross(edges, np.roll(edges, -1, axis=1))
    return (np.einsum("kij,kj->ki", turns, _normals(points)) >= 0).all(axis=1)


def _normals(points):
    centred = points - points[:, :1]
    return np.cross(centred, np.roll(centred, -1, axis=1)).sum(axis=1)


def _clip_ears(points):
    """Triangles, (m, 3) numbers into the points (size, 3) of one polygon, seen along the largest axis of its normal."""
    seen = np.delete(points, np.abs(_normals(points[None])[0]).argmax(), axis=1)
    found = mapbox_earcut.triangulate_float64(np.ascontiguousarray(seen), np.array([len(points)], dtype=np.uint32))
    if not len(found):  # a polygon without area: its lines still count
        return np.array([[0, i, i + 1] for i in range(1, len(points) - 1)])
    return found.reshape(-1, 3).astype(np.int64)
