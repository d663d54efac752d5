"""The embedded data set: procedural furniture in ModelNet10's ten classes, deterministic from a seed.

Every object is a list of parts, a part is (vertices, faces): vertices (n, 3) floats with z up, faces lists of vertex
numbers (triangles and quads). Parts touch and overlap as in real CAD models. Within a class dimensions, proportions,
number of parts and styles vary, parts may be missing, and clutter lies about. Desk and table, dresser and night stand,
chair and sofa share shapes on purpose, because they do in ModelNet.
"""

import hashlib
from pathlib import Path

import numpy as np

from voxprune.datasets.furniture_classes import MAKERS
from voxprune.datasets.furniture_parts import surroundings, turn
from voxprune.meshes.read import write_off


def make(name, number, seed):
    """One object of class `name`: vertices (n, 3) in arbitrary unit and position, and faces.

    The same (name, number, seed) gives the same object, whatever else is made.
    """
    key = hashlib.sha256(f"{seed}/{name}/{number}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(key[:8], "little"))
    parts = MAKERS[name](rng)
    if rng.random() < 0.5:
        parts = [(vertices * (-1, 1, 1), [face[::-1] for face in faces]) for vertices, faces in parts]
    parts += surroundings(rng, np.concatenate([vertices for vertices, _ in parts]))
    # Modellers agree on the front more often than not.
    parts = turn(parts, rng.choice([0, 90, 180, 270], p=[0.4, 0.2, 0.2, 0.2]) + rng.normal(0, 4))
    first = np.cumsum([0] + [len(vertices) for vertices, _ in parts])
    vertices = np.concatenate([vertices for vertices, _ in parts]) * rng.uniform(0.85, 1.18, 3)
    faces = [[int(start + i) for i in face] for start, (_, part) in zip(first, parts) for face in part]
    if rng.random() < 0.5:  # some exporters write triangles only
        faces = [[face[0], face[i], face[i + 1]] for face in faces for i in range(1, len(face) - 1)]
    unit = 10 ** rng.uniform(-1, 3)
    return (vertices + rng.uniform(-3, 3, 3)) * unit, faces


def generate(name, folder, numbers, seed):
    """Writes `<folder>/<name>_<number>.off` for each number and removes any other `.off` file there."""
    folder = Path(folder)
    wanted = [folder / f"{name}_{number:04d}.off" for number in numbers]
    for stale in set(folder.glob("*.off")) - set(wanted):
        stale.unlink()
    for path, number in zip(wanted, numbers):
        write_off(path, *make(name, number, seed))
