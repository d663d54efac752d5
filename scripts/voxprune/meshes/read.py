"""One mesh on disk: read, check, write."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write
from voxprune.meshes.gltf import GLTF
from voxprune.meshes.gltf import read_gltf_buffers
from voxprune.meshes.obj import parse_obj
from voxprune.meshes.off import parse_off
from voxprune.meshes.ply import parse_ply
from voxprune.meshes.polygons import BadMesh
from voxprune.meshes.stl import parse_stl

PARSERS = {".off": parse_off, ".obj": parse_obj, ".ply": parse_ply, ".stl": parse_stl}
SINGLE = (".off", ".obj", ".stl")  # whose coordinates Open3D reads in float32
REMEDY = "repair or remove it, or set `on_bad_mesh: skip`"


class Mesh(NamedTuple):
    """vertices: float64 (n, 3), axes x, y, z, in the file's unit. triangles: int64 (m, 3), numbers of vertices.

    single: Open3D reads this format's coordinates in float32, so what must be equal to Open3D's has to round them.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    single: bool = False


def read_mesh(path):
    """Reads a mesh: `.off .obj .ply .stl` by our own readers, `.gltf .glb` by trimesh. Polygons become triangles.

    Raises InputError, naming the file, the fact and the remedy, for a file that is missing, no mesh, damaged, without
    faces or extent, or with coordinates not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such mesh; {REMEDY}")
    ending = path.suffix.lower()
    try:
        parsed = PARSERS[ending](path.read_bytes()) if ending in PARSERS else _parse_other(path, ending)
        mesh = Mesh(*parsed, single=ending in SINGLE)
        _check(mesh)
    except BadMesh as error:
        raise InputError(f"{path}: {error}; {REMEDY}") from error
    return mesh


def _parse_other(path, ending):
    import trimesh  # takes 0.2 s, which jobs of other meshes save

    try:
        buffers = read_gltf_buffers(path) if ending in GLTF else None
        mesh = trimesh.load_scene(path, resolver=buffers, process=False, skip_materials=True).to_mesh()
        vertices, triangles = np.asarray(mesh.vertices, dtype=float), np.asarray(mesh.faces, dtype=np.int64)
    except BadMesh:
        raise
    except Exception as error:  # its parsers raise many kinds for a damaged file
        raise BadMesh(f"it can't be read as {ending} ({_first_line(error)})") from error
    if len(triangles) and (vertices.shape[1:], triangles.shape[1:]) != ((3,), (3,)):
        raise BadMesh("its vertices don't all have three coordinates")
    return vertices, triangles


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0][:80]


def _check(mesh):
    if not len(mesh.triangles):
        raise BadMesh("it has no faces")
    if not np.isfinite(mesh.vertices).all():
        raise BadMesh("a coordinate is not a finite number")
    if not 0 <= mesh.triangles.min() <= mesh.triangles.max() < len(mesh.vertices):
        raise BadMesh("a face names a vertex that isn't there")
    if not np.ptp(mesh.vertices, axis=0).max() > 0:
        raise BadMesh("all its vertices coincide")


def write_off(path, vertices, faces):
    """Writes one `.off` file. vertices: (n, 3) floats; faces: lists of three or more vertex numbers each."""
    lines = ["OFF", f"{len(vertices)} {len(faces)} 0"]
    lines += ["%.6g %.6g %.6g" % tuple(vertex) for vertex in vertices]
    lines += [" ".join(map(str, (len(face), *face))) for face in faces]
    with atomic_write(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")
