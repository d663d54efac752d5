"""Polygons that aren't convex to triangles, in place of the package mapbox_earcut where that isn't installed.

Ear clipping (Meisters, 1975): a corner that turns outwards and holds no other corner in its triangle is cut off, until three are
left. Triangles may be others than those of mapbox_earcut; the surface of a flat polygon is the same.
"""

import numpy as np

MOST_CORNERS = 1000  # ear clipping takes the cube of them


def triangulate_float64(points, rings):
    """As mapbox_earcut has it: corners float64 (n, 2) of one polygon without holes to uint32 (3 x triangles,); empty where it has no area.

    Raises BadMesh where it has more than MOST_CORNERS.
    """
    from voxprune.meshes.polygons import BadMesh

    if len(points) > MOST_CORNERS:
        raise BadMesh(f"a face that isn't convex has more than {MOST_CORNERS} corners; cut it into triangles")
    corners, triangles = list(range(len(points))), []
    sign = np.sign(_area(points))
    while len(corners) > 3:
        number = next((i for i in range(len(corners)) if _is_ear(points, corners, i, sign)), None)
        if number is None:  # it crosses itself: what turns least is cut
            turns = [
                sign * _turn(*points[[corners[i - 1], corners[i], corners[(i + 1) % len(corners)]]])
                for i in range(len(corners))
            ]
            number = int(np.argmax(turns))
        triangles += [corners[number - 1], corners[number], corners[(number + 1) % len(corners)]]
        del corners[number]
    return np.array([*triangles, *corners] if sign else [], dtype=np.uint32)


def _area(points):
    x, y = points.T
    return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum()


def _turn(one, two, three):
    """Twice the area of a triangle, positive where it turns to the left."""
    return (two[0] - one[0]) * (three[1] - one[1]) - (two[1] - one[1]) * (three[0] - one[0])


def _is_ear(points, corners, number, sign):
    one, two, three = (points[corners[(number + step) % len(corners)]] for step in (-1, 0, 1))
    if sign * _turn(one, two, three) <= 0:
        return False
    others = points[
        [corner for i, corner in enumerate(corners) if (i - number) % len(corners) not in (0, 1, len(corners) - 1)]
    ]
    inside = np.ones(len(others), dtype=bool)
    for begin, end in ((one, two), (two, three), (three, one)):
        inside &= sign * _turn(begin, end, others.T) >= 0
    return not (inside & (others != one).any(axis=1) & (others != three).any(axis=1)).any()
