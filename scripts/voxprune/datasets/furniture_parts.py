"""Parts that pieces of furniture are made of: boxes, tubes, sheets, legs, drawers, clutter."""

import math

import numpy as np

_BOX_FACES = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]


def box(x, y, z, width, depth, height):
    """A closed box centred at (x, y), standing at height z."""
    corners = [(i, j, k) for k in (0, 1) for j in (-0.5, 0.5) for i in (-0.5, 0.5)]
    return np.array(corners) * (width, depth, height) + (x, y, z), _BOX_FACES


def tube(x, y, z, radii, heights, sides=20, stretch=1.0):
    """A solid of revolution: a ring of each radius at each height above z, closed at both ends.

    stretch: length of the section along y over its width along x. A ring may lie lower than the one before it: so
    bowls are made.
    """
    angles = np.arange(sides) * 2 * math.pi / sides
    rings = [
        np.stack([x + r * np.cos(angles), y + r * stretch * np.sin(angles), np.full(sides, z + h)], axis=1)
        for r, h in zip(radii, heights)
    ]
    faces = []
    for ring in range(len(rings) - 1):
        first, second = ring * sides, (ring + 1) * sides
        faces += [[first + i, first + (i + 1) % sides, second + (i + 1) % sides, second + i] for i in range(sides)]
    bottom, top = len(rings) * sides, len(rings) * sides + 1
    last = (len(rings) - 1) * sides
    faces += [[bottom, (i + 1) % sides, i] for i in range(sides)]
    faces += [[top, last + i, last + (i + 1) % sides] for i in range(sides)]
    centres = [(x, y, z + heights[0]), (x, y, z + heights[-1])]
    return np.concatenate([*rings, centres]), faces


def sheet(corners):
    """A single quad without thickness, as CAD models often have."""
    return np.array(corners, dtype=float), [[0, 1, 2, 3]]


def turn(parts, degrees, about=(0.0, 0.0)):
    """Parts turned about a vertical axis."""
    angle = math.radians(degrees)
    rotation = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    origin = np.array([*about, 0.0])
    return [((vertices - origin) @ rotation.T + origin, faces) for vertices, faces in parts]


def lean(parts, degrees, y, z):
    """Parts tilted backwards (towards +y) about the horizontal line at (y, z)."""
    angle = math.radians(degrees)
    rotation = np.array([[1, 0, 0], [0, math.cos(angle), math.sin(angle)], [0, -math.sin(angle), math.cos(angle)]])
    origin = np.array([0.0, y, z])
    return [((vertices - origin) @ rotation.T + origin, faces) for vertices, faces in parts]


def legs(rng, width, depth, height, thickness):
    """Four legs, round or square, straight or splayed, at the corners of a rectangle."""
    inset, radius = thickness * rng.uniform(0.5, 1.5), thickness / 2
    is_round, taper = rng.random() < 0.4, rng.uniform(0.5, 1.0)
    parts = []
    for x in (-1, 1):
        for y in (-1, 1):
            at = x * (width / 2 - inset), y * (depth / 2 - inset), 0
            if is_round:
                parts.append(tube(*at, [radius * taper, radius], [0, height], sides=8))
            else:
                parts.append(box(*at, thickness, thickness, height))
    return parts


def drawers(rng, width, depth, bottom, height, columns, rows, knobs):
    """Drawer fronts standing proud of the front (y = -depth/2) of a body, with handles or knobs."""
    parts, gap, proud = [], 0.04 * height / rows + 0.01, rng.uniform(0.02, 0.05) * depth
    cell_width, cell_height = width / columns, height / rows
    for column in range(columns):
        for row in range(rows):
            x = -width / 2 + (column + 0.5) * cell_width
            z = bottom + row * cell_height + gap / 2
            parts.append(box(x, -depth / 2 - proud / 2, z, cell_width - gap, proud, cell_height - gap))
            if knobs:
                wide = cell_width * rng.choice([0.08, 0.3])
                parts.append(box(x, -depth / 2 - proud - 0.03, z + cell_height * 0.4, wide, 0.06, cell_height * 0.12))
    return parts


def clutter(rng, width, depth, height, most):
    """Up to `most` small things on a top: boxes, cups, books and lamps."""
    parts = []
    for _ in range(rng.integers(0, most + 1)):
        x, y = rng.uniform(-0.38, 0.38) * width, rng.uniform(-0.35, 0.35) * depth
        size = rng.uniform(0.06, 0.18) * min(width, depth)
        kind = rng.integers(3)
        if kind == 0:
            parts.append(box(x, y, height, size, size * rng.uniform(0.5, 1.5), size * rng.uniform(0.3, 1.5)))
        elif kind == 1:
            parts.append(tube(x, y, height, [size * 0.4, size * 0.5], [0, size * rng.uniform(0.6, 1.5)], sides=10))
        else:
            stem = size * rng.uniform(1.0, 2.0)
            parts.append(tube(x, y, height, [size * 0.1, size * 0.1], [0, stem], sides=6))
            parts.append(tube(x, y, height + stem, [size * 0.7, size * 0.4], [0, size * 0.8], sides=12))
    return parts


def surroundings(rng, vertices):
    """Sometimes a piece of floor or of wall that the object came with: it shifts the object within its bounding box."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    (x, y, _), (width, depth, height) = (low + high) / 2, high - low
    thin, state = 0.03 * max(width, depth, height), rng.random()
    if state < 0.12:  # floor
        more = rng.uniform(1.0, 1.5, 2)
        shift = rng.uniform(-0.5, 0.5, 2) * (more - 1)
        return [box(x + shift[0] * width, y + shift[1] * depth, low[2] - thin, width * more[0], depth * more[1], thin)]
    if state < 0.18:  # wall behind
        return [box(x, high[1] + thin, low[2], width * rng.uniform(0.8, 1.3), thin, height * rng.uniform(1.0, 1.4))]
    return []
