"""One mesh on disk: read, check, write."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from voxprune.core import registry
from voxprune.core.errors import InputError
from voxprune.meshes.endings import FORMATS, READABLE
from voxprune.meshes.polygons import BadMesh

MOST_BYTES = 1 << 30  # of a file; its numbers take several times as much
MOST_ROUNDING = 1e-5  # of the longest side: a hundredth of a cell at 1000^3
REMEDY = "repair or remove it, or set `on_bad_mesh: skip`"


class Mesh(NamedTuple):
    """vertices: float64 (n, 3), axes x, y, z, in the file's unit. triangles: int64 (m, 3), numbers of vertices.

    single: Open3D reads this format's coordinates in float32, so what must be equal to Open3D's has to round them.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    single: bool = False


def read_mesh(path):
    """Reads a mesh of a format in formats/, which its ending tells. Polygons become triangles.

    Raises InputError, naming the file, the fact and the remedy, for a file that is missing, no mesh, damaged, without
    faces or extent, or with coordinates not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such mesh; {REMEDY}")
    ending = path.suffix.lower()
    try:
        if ending not in READABLE:
            raise BadMesh(f"its format, {ending}, can't be read; convert it to one of {' '.join(READABLE)}")
        if path.stat().st_size > MOST_BYTES:
            raise BadMesh(
                f"it holds {path.stat().st_size:,} bytes, more than the {MOST_BYTES:,} that are read; export it coarser"
            )
        vertices, triangles = registry.load(FORMATS, READABLE[ending].name).parse(path)
        mesh = Mesh(vertices, triangles, single=READABLE[ending].facts["SINGLE"])
        _check(mesh)
    except BadMesh as error:
        raise InputError(f"{path}: {error}; {REMEDY}") from error
    return mesh


def _check(mesh):
    if not len(mesh.triangles):
        raise BadMesh("it has no faces")
    if not (np.abs(mesh.vertices) <= np.finfo(np.float32).max).all():
        raise BadMesh("a coordinate is not a finite number")
    if not 0 <= mesh.triangles.min() <= mesh.triangles.max() < len(mesh.vertices):
        raise BadMesh("a face names a vertex that isn't there")
    if not np.ptp(drawn_vertices(mesh), axis=0).max() > 0:
        raise BadMesh("all its vertices coincide")


def drawn_vertices(mesh):
    """The vertices that are a corner of a triangle, float64 (n, 3)."""
    drawn = np.zeros(len(mesh.vertices), dtype=bool)
    drawn[mesh.triangles] = True
    return mesh.vertices[drawn]


def as_open3d_reads(mesh):
    """Vertices in the precision of Open3D's readers; far from the origin, as in a map's coordinates, as they are."""
    if not mesh.single:
        return mesh.vertices
    rounded = mesh.vertices.astype(np.float32).astype(float)
    moved = np.abs(rounded - mesh.vertices).max()
    return rounded if moved <= MOST_ROUNDING * np.ptp(mesh.vertices, axis=0).max() else mesh.vertices


def write_off(path, vertices, faces):
    """Writes one `.off` file. vertices: (n, 3) floats; faces: lists of three or more vertex numbers each."""
    from voxprune.core.files import atomic_write  # not needed, and so not waited for, where meshes are only read

    lines = ["OFF", f"{len(vertices)} {len(faces)} 0"]
    lines += ["%.6g %.6g %.6g" % tuple(vertex) for vertex in vertices]
    lines += [" ".join(map(str, (len(face), *face))) for face in faces]
    with atomic_write(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")
