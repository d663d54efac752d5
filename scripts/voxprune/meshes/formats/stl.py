"""The STL format, binary and in text: facets to vertices and polygons, none lost where a file is cut short or counted wrongly.

Burns' description (Automated Fabrication, 1993, section 6.5): https://www.fabbers.com/tech/STL_Format. Normals, names,
colours and attributes say nothing about the surface.
"""

import re

import numpy as np

from voxprune.meshes.polygons import BadMesh, triangulate

ENDINGS = [".stl"]
SINGLE = True  # whether Open3D reads its coordinates in single precision

HEADER, FACET_BYTES = 84, 50  # 80 bytes of anything and the number of facets; a normal, three corners and an attribute
FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
# The statements of a text in small letters. A name ends with its line, or where all is on one line with the next statement.
SOLID = rb"(?P<solid>solid[^\r\n]*?(?=[\r\n]|\sfacet\s+normal\s|\Z))"
END = rb"(?P<end>end\s*solid[^\r\n]{0,999}?(?=[\r\n]|\ssolid\b[^\r\n]{0,999}?\sfacet\s+normal\s|\Z))"
CORNERS = rb"(?P<facet>(?:\s++vertex(?:\s++\S++){3}+)++)"
LOOP = rb"facet(?:\s++normal)?+(?:\s+\S+){0,3}?\s+outer\s*+loop" + CORNERS + rb"\s++end\s*+loop\s++end\s*+facet(?!\S)"
STATEMENT = re.compile(rb"\s*+(?:" + b"|".join([LOOP, SOLID, END]) + rb")")


def parse(path):
    """`parse_stl` of a file."""
    return parse_stl(path.read_bytes())


def parse_stl(content):
    """Content of an `.stl` file, bytes, to (vertices float64 (n, 3), triangles int64 (m, 3)); no two facets share a vertex.

    Facets of four or more corners, which only a text can hold, become triangles. Bytes behind the facets of a binary file
    are passed over where they can't be facets. Raises BadMesh where a file is cut short, its count is wrong or a number
    isn't one.
    """
    count = int.from_bytes(content[80:HEADER], "little")
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise BadMesh("it is empty")
    if len(content) != HEADER + FACET_BYTES * count and b"\0" not in content[:HEADER]:
        return _parse_text(text.lower())
    return _parse_binary(content, count)


def _parse_binary(content, count):
    there = (len(content) - HEADER) // FACET_BYTES
    if there < 0:
        raise BadMesh(f"it is cut short: no text, and less than the {HEADER} bytes that a binary STL begins with")
    if there < count:
        raise BadMesh(f"it is cut short: it announces {count:,} triangles, but {there:,} follow")
    if _are_facets(content[HEADER + FACET_BYTES * count :]):
        raise BadMesh(f"it announces {count:,} triangles, but goes on with more of them")
    corners = np.frombuffer(content, FACET, count, offset=HEADER)["corners"].reshape(-1, 3)
    return corners.astype(float), np.arange(3 * count).reshape(-1, 3)


def _are_facets(rest):
    """Whether the bytes behind the last facet hold further facets, or another binary file."""
    whole = len(rest) % FACET_BYTES == 0 and rest.strip(b"\0") != b""
    another = len(rest) > HEADER and len(rest) == HEADER + FACET_BYTES * int.from_bytes(rest[80:HEADER], "little")
    return whole or another


def _parse_text(text):
    if not text.startswith(b"solid"):
        raise BadMesh("it is neither a binary STL nor a text that begins with solid")
    if b"\0" in text:
        raise BadMesh("it holds bytes that no text has")
    loops = _loops(text)
    words = b" ".join(loops).replace(b"vertex", b" ")
    try:
        vertices = np.fromstring(words, sep=" ") if loops else np.empty(0)
    except ValueError as error:
        raise BadMesh("a coordinate is not a number") from error
    sizes = np.array([loop.count(b"vertex") for loop in loops], dtype=np.int64)
    if len(vertices) != 3 * sizes.sum():
        raise BadMesh("a coordinate is not a number")
    if (sizes < 3).any():
        raise BadMesh(f"a facet has {sizes.min()} corners")
    vertices = vertices.reshape(-1, 3)
    return vertices, triangulate(vertices, sizes, np.arange(len(vertices)))


def _loops(text):
    """What stands between `outer loop` and `endloop` in each facet of a text in small letters."""
    loops, at, is_open = [], 0, False
    while statement := STATEMENT.match(text, at):
        kind = statement.lastgroup
        if is_open == (kind == "solid"):
            break
        is_open = kind != "end"
        if kind == "facet":
            loops.append(statement["facet"])
        at = statement.end()
    rest = b" ".join(text[at : at + 200].split())
    if rest:
        shown = ascii(rest[:40].decode(errors="replace"))[1:-1]
        raise BadMesh(f"it is cut short or damaged: after {len(loops):,} facets comes `{shown}`")
    if is_open:
        raise BadMesh(f"it is cut short: after {len(loops):,} facets its last solid has no end")
    return loops
