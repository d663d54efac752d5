"""The OBJ format: vertices and polygons, whatever else is in the file.

Wavefront's description: https://paulbourke.net/dataformats/obj/. Groups, materials, normals and texture coordinates, lines
and points say nothing about the surface and are passed over; free-form surfaces are refused.
"""

import re

import numpy as np

from voxprune.meshes.formats.off import plain
from voxprune.meshes.polygons import BadMesh, triangulate

ENDINGS = [".obj"]
SINGLE = True  # whether Open3D reads its coordinates in single precision

CONTINUED = re.compile(rb"\\[ \t]*\n")  # a line that goes on in the next
FREE_FORM = (b"surf", b"curv", b"curv2", b"call")


def parse(path):
    """`parse_obj` of a file."""
    return parse_obj(path.read_bytes())


def parse_obj(content):
    """Content of an `.obj` file, bytes, to (vertices float64 (n, 3), triangles int64 (m, 3)).

    Faces of one or two corners have no surface and are dropped, as in `.off`. Raises BadMesh where a number isn't one, or a
    face has no corners or names a vertex that isn't there.
    """
    vertices, sizes, corners = [], [], []
    if b"\0" in content:
        raise BadMesh("it holds bytes that no text has")
    text = plain(content)
    for line in (CONTINUED.sub(b" ", text) if b"\\" in text else text).split(b"\n"):
        keyword, *words = line.split() or [b""]
        if keyword == b"v":
            vertices.append(_vertex(words))
        elif keyword in (b"f", b"fo"):
            face = [_corner(word, len(vertices)) for word in words]
            if not face:
                raise BadMesh("a face has no corners")
            if len(face) > 2:
                sizes.append(len(face))
                corners += face
        elif keyword in FREE_FORM:
            raise BadMesh("it holds free-form curves or surfaces, which can't be read; export it as polygons")
    if corners and max(corners) >= len(vertices):
        raise BadMesh(f"a face names vertex {max(corners) + 1}, but the vertices are numbered 1 to {len(vertices)}")
    vertices, sizes, corners = np.array(vertices).reshape(-1, 3), np.array(sizes, dtype=int), np.array(corners, dtype=int)
    return vertices, triangulate(vertices, sizes, corners)


def _vertex(words):
    """Its three coordinates; a weight or colour may follow."""
    try:
        x, y, z = (float(word.replace(b"_", b"?")) for word in words[:3])  # Python would read 1_0 as ten
    except ValueError as error:
        raise BadMesh(f"a vertex's line doesn't hold three numbers: {_shown(b' '.join(words))}") from error
    return x, y, z


def _corner(word, so_far):
    """Number of a corner's vertex, from 0; the file counts from 1, or back from the last vertex so far with -1."""
    try:
        number = int(word.split(b"/")[0].replace(b"_", b"?"))  # Python would read 1_0 as ten
    except ValueError as error:
        raise BadMesh(f"a face's corner is not a whole number: {_shown(word)}") from error
    index = number - 1 if number > 0 else so_far + number
    if number == 0 or index < 0:
        raise BadMesh(f"a face names vertex {number} where {so_far} vertices stand before it")
    return index


def _shown(words):
    return words[:40].decode(errors="replace")
