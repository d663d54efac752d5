"""Which cells of a grid a mesh's triangles touch, compiled by Numba (once per machine, kept beside this file).

The test is exact, that of Akenine-Moeller (Fast 3D Triangle-Box Overlap Testing, 2001): a triangle and a cube are apart
if and only if they are along one of 13 axes. Open3D's voxel grid uses it too, so the cells are the same.
"""

import numpy as np
from numba import njit

NO_AREA = 1e-10  # sine of an angle below which a triangle is a line: rounding alone decides where its normal points


@njit(cache=True, nogil=True)
def mark_surface(occupancy, vertices, triangles, origin, size):
    """Sets occupancy, bool (X, Y, Z), where a closed cube of a cell meets a triangle; cells outside are left out.

    vertices: float64 (n, 3). triangles: int64 (m, 3). Cell (i, j, k) begins at origin + (i, j, k) * size.
    """
    half = size / 2
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for number in range(len(triangles)):
        a, b, c = vertices[triangles[number, 0]], vertices[triangles[number, 1]], vertices[triangles[number, 2]]
        for axis in range(3):  # the cells of the triangle's bounding box
            least, most = min(a[axis], b[axis], c[axis]), max(a[axis], b[axis], c[axis])
            low[axis] = max(0, int(np.ceil((least - origin[axis]) / size)) - 1)
            high[axis] = min(occupancy.shape[axis] - 1, int(np.floor((most - origin[axis]) / size)))
        ab_x, ab_y, ab_z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        bc_x, bc_y, bc_z = c[0] - b[0], c[1] - b[1], c[2] - b[2]
        ca_x, ca_y, ca_z = a[0] - c[0], a[1] - c[1], a[2] - c[2]
        normal_x, normal_y, normal_z = ab_y * bc_z - ab_z * bc_y, ab_z * bc_x - ab_x * bc_z, ab_x * bc_y - ab_y * bc_x
        area = abs(normal_x) + abs(normal_y) + abs(normal_z)
        sides = (abs(ab_x) + abs(ab_y) + abs(ab_z)) * (abs(bc_x) + abs(bc_y) + abs(bc_z))
        if area <= NO_AREA * sides:
            normal_x, normal_y, normal_z, area = 0.0, 0.0, 0.0, 0.0
        reach = half * area
        for i in range(low[0], high[0] + 1):
            x = origin[0] + half + i * size
            a_x, b_x, c_x = a[0] - x, b[0] - x, c[0] - x
            for j in range(low[1], high[1] + 1):
                y = origin[1] + half + j * size
                a_y, b_y, c_y = a[1] - y, b[1] - y, c[1] - y
                if (
                    _apart(ab_x, ab_y, a_x, a_y, c_x, c_y, half)
                    or _apart(bc_x, bc_y, b_x, b_y, a_x, a_y, half)
                    or _apart(ca_x, ca_y, c_x, c_y, b_x, b_y, half)
                ):
                    continue
                for k in range(low[2], high[2] + 1):
                    if occupancy[i, j, k]:
                        continue
                    z = origin[2] + half + k * size
                    a_z, b_z, c_z = a[2] - z, b[2] - z, c[2] - z
                    if (
                        abs(normal_x * a_x + normal_y * a_y + normal_z * a_z) > reach
                        or _apart(ab_y, ab_z, a_y, a_z, c_y, c_z, half)
                        or _apart(bc_y, bc_z, b_y, b_z, a_y, a_z, half)
                        or _apart(ca_y, ca_z, c_y, c_z, b_y, b_z, half)
                        or _apart(ab_z, ab_x, a_z, a_x, c_z, c_x, half)
                        or _apart(bc_z, bc_x, b_z, b_x, a_z, a_x, half)
                        or _apart(ca_z, ca_x, c_z, c_x, b_z, b_x, half)
                    ):
                        continue
                    occupancy[i, j, k] = True


@njit
def _apart(edge_u, edge_v, end_u, end_v, opposite_u, opposite_v, half):
    """Whether an edge parts triangle and cell, both projected onto axes u and v, with the cell's centre as origin.

    edge: from one end to the other. end: one of them. opposite: the corner that isn't on the edge.
    """
    one = edge_v * end_u - edge_u * end_v
    other = edge_v * opposite_u - edge_u * opposite_v
    reach = half * (abs(edge_u) + abs(edge_v))
    return min(one, other) > reach or max(one, other) < -reach
