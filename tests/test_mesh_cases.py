"""What real files do that their format's description doesn't expect, and what each must become: its surface, or one sentence.

Every format has its dialects (read, and equal to the plain cube cell by cell) and its faults (named by one sentence). The
files are built here, as small as they can be.
"""

import base64
import copy
import json
import os
import struct
import time
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import CUBE
from voxprune.core.errors import InputError
from voxprune.meshes.polygons import triangulate
from voxprune.meshes.read import Mesh, read_mesh
from voxprune.settings.voxels import Grid
from voxprune.voxels.voxelize import voxelize

GRID = Grid(16, padding=0)
REMEDY = "; repair or remove it, or set `on_bad_mesh: skip`"
QUADS = [[int(word) for word in line.split()[1:]] for line in CUBE.split("\n")[10:16]]
CORNERS = np.array([line.split() for line in CUBE.split("\n")[2:10]], dtype=float)
TRIANGLES = np.array([quad[:3] for quad in QUADS] + [[quad[0], *quad[2:]] for quad in QUADS])


def read(folder, name, content):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_mesh(folder / name)


def surface(vertices, triangles=TRIANGLES):
    """The cells that triangles touch when nothing else is in the file, as sorted rows of indices."""
    return np.argwhere(voxelize(Mesh(np.array(vertices, dtype=float), np.array(triangles)), GRID)[0]).tolist()


def cells(mesh):
    return np.argwhere(voxelize(mesh, GRID)[0]).tolist()


def assert_named(folder, name, content, fact):
    with pytest.raises(InputError, match=fact) as error:
        read(folder, name, content)
    assert str(error.value).startswith(f"{folder / name}: ") and str(error.value).endswith(REMEDY)
    assert "\n" not in str(error.value)


# ---- what is drawn -------------------------------------------------------------------------------------------------


def test_centred_takes_the_box_of_what_is_drawn_and_corner_that_of_all_vertices():
    far = Mesh(np.vstack([CORNERS, [[10, 10, 10]]]), TRIANGLES)
    assert cells(far) == surface(CORNERS)
    assert (
        voxelize(far, Grid(16, "corner", padding=0)).sum()
        < 3**3
        < voxelize(Mesh(CORNERS, TRIANGLES), Grid(16, "corner", padding=0)).sum()
    )


def test_an_object_is_as_long_as_what_is_drawn_of_it():
    far = Mesh(np.vstack([CORNERS, [[10, 10, 10]]]), TRIANGLES)
    assert voxelize(far, Grid(16, scale=1.0, padding=0)).sum() == 16**3 - 14**3
    with pytest.raises(InputError, match="its longest side is 1, more than voxels.scale 0.5"):
        voxelize(far, Grid(16, scale=0.5, padding=0))
    with pytest.raises(InputError, match="its longest side, 0, is too small"):
        voxelize(Mesh(np.vstack([CORNERS, [[10, 10, 10]]]), np.array([[0, 0, 0]])), GRID)


@given(st.integers(0, 2**32 - 1), st.floats(-2, 3))
def test_a_triangle_without_area_is_the_line_that_it_looks_like(seed, share):
    """Off the axes too, where rounding decides where its normal points."""
    begin, end = np.random.default_rng(seed).uniform(0.1, 0.9, (2, 3)) * 16
    line = np.stack([begin, end, begin + share * (end - begin)])
    found = voxelize(Mesh(line, np.array([[0, 1, 2]])), GRID)[0]
    low, high = line.min(axis=0), line.max(axis=0)
    first, _, last = line[np.argsort((line - begin) @ (end - begin))]
    along = first + np.linspace(0, 1, 500)[:, None] * (last - first)
    place = (along - (low + high) / 2) * 16 / (high - low).max() * (1 - 1e-6) + 8
    inside = np.abs(place - np.round(place)).min(axis=1) > 1e-6  # on a boundary, rounding chooses the cell
    assert found[tuple(place[inside].astype(int).T)].all()


def test_a_line_on_the_diagonal_is_the_same_in_every_format(tmp_path):
    rows = "0.1 0.2 0.3\n0.2 0.3 0.4\n0.3 0.4 0.5\n0.4 0.5 0.6\n"
    obj = "".join(f"v {row}\n" for row in rows.splitlines()) + "f 1 2 3\nf 1 2 4\n"
    off = f"OFF\n4 2 0\n{rows}3 0 1 2\n3 0 1 3\n"
    assert cells(read(tmp_path, "x.obj", obj)) == cells(read(tmp_path, "x.off", off))
    assert all([i, i, i] in cells(read(tmp_path, "x.off", off)) for i in range(16))


@pytest.mark.parametrize("ending", [".off", ".obj", ".ply", ".stl", ".gltf", ".glb"])
def test_a_file_beyond_any_memory_is_named_and_not_read(tmp_path, ending):
    """A terabyte of zeros, which takes no room on the disk."""
    with open(tmp_path / f"x{ending}", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match=f"x{ending}: it holds 1,099,511,627,776 bytes, more than the 1,073,741,824"):
        read_mesh(tmp_path / f"x{ending}")


# ---- polygons ------------------------------------------------------------------------------------------------------


def sides_of(triangles):
    return {tuple(sorted((row[i], row[(i + 1) % 3]))) for row in triangles.tolist() for i in range(3)}


@given(st.integers(3, 9), st.integers(0, 2**32 - 1))
def test_every_side_of_a_polygon_is_covered_however_it_is_bent(size, seed):
    """Whole coordinates from 0 to 3: corners coincide, lie on sides, and the polygon crosses itself."""
    points = np.random.default_rng(seed).integers(0, 4, (size, 3)).astype(float)
    found = sides_of(triangulate(points, np.array([size]), np.arange(size)))
    assert {tuple(sorted((i, (i + 1) % size))) for i in range(size)} <= found


def test_a_bent_pentagon_keeps_its_peak(tmp_path):
    obj = "v -5 0 5\nv 5 0 5\nv 5 0 -5\nv -5 0 -5\nv 0 5 -5\nf 1 2 3 4 5\n"
    assert [8, 15 - 4, 0] in cells(read(tmp_path, "x.obj", obj))


def test_corners_on_a_side_add_nothing_to_a_flat_polygon():
    """An L with a corner in the middle of each side, as exporters leave them for a neighbour."""
    turns = np.array([[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]], dtype=float)
    both = np.stack([turns, (turns + np.roll(turns, -1, axis=0)) / 2], axis=1).reshape(-1, 2)
    flat = [np.pad(points, ((0, 0), (0, 1))) for points in (turns, both)]
    found = [surface(points, triangulate(points, np.array([len(points)]), np.arange(len(points)))) for points in flat]
    assert found[0] == found[1] and len(found[0]) == 2 * (16 * 16 - 7 * 7)


def test_polygons_of_many_sizes_take_seconds():
    """3,000 regular polygons of 3 to 3,002 corners; a triangle at a time they took 38 seconds."""
    sizes = np.arange(3, 3003)
    angles = np.concatenate([2 * np.pi * np.arange(size) / size for size in sizes])
    vertices = np.stack([np.cos(angles), np.sin(angles), np.repeat(np.arange(3000.0), sizes)], axis=1)
    started = time.process_time()
    assert len(triangulate(vertices, sizes, np.arange(sizes.sum()))) == (sizes - 2).sum()
    assert time.process_time() - started < 10


# ---- .off ----------------------------------------------------------------------------------------------------------

ROWS = CUBE.split("\n")[2:16]
OFFS = {
    "without the word": CUBE.removeprefix("OFF\n"),
    "without the word and the number of edges": CUBE.removeprefix("OFF\n").replace("8 6 0", "8 6"),
    "without the word, behind a comment": "# a cube\n" + CUBE.removeprefix("OFF\n"),
    "counts on three lines": CUBE.replace("8 6 0", "8\n6\n0"),
    "all on one line": " ".join(CUBE.split()),
    "all on one line, without the word": " ".join(CUBE.split()[1:]),
    "a word a line": "\n".join(CUBE.split()),
    "a word a line, with comments": "\n# next\n".join(CUBE.split()),
    "faces on several lines": "\n".join(["OFF", "8 6 0", *ROWS[:8], *(row.replace(" ", "\n", 3) for row in ROWS[8:])]),
    "faces on two lines, blank lines between": "\n\n".join(["OFF", "8 6 0", *ROWS[:8], *(row.replace(" ", "\n", 1) for row in ROWS[8:])]),
    "two vertices a line": "\n".join(["OFF", "8 6 0", *(f"{a} {b}" for a, b in zip(ROWS[:8:2], ROWS[1:8:2])), *ROWS[8:]]),
    "all vertices on a line, all faces on another": "\n".join(["OFF", "8 6 0", " ".join(ROWS[:8]), " ".join(ROWS[8:])]),
    "filled lines": "OFF 8 6 0\n" + "".join(word + " \n"[i % 20 == 19] for i, word in enumerate(CUBE.split()[4:])),
    "points and lines as faces, on one line": " ".join(CUBE.replace("8 6 0", "8 8 0").split()) + " 1 0 2 0 6",
}  # fmt: skip
NO_OFFS = {
    "all on one line, cut short": (" ".join(CUBE.split()[:-1]), "it is cut short"),
    "all on one line, a word too many": (" ".join(CUBE.split()) + " 7", "it is cut short"),
    "a word a line, cut short": ("\n".join(CUBE.split()[:-1]), "it goes on"),
    "lines that hold the end of one vertex and the beginning of the next": (CUBE.replace("0 0 0\n1 0 0\n1 1 0", "0 0\n0 1 0\n0 1 1\n0"), "15 lines follow: it goes on"),
    "more vertices and fewer faces, whose words are as many": ("OFF\n7 1 0\n" + "0 0 1\n" * 3 + "3 0 1 2\n" * 4, "it is cut short"),
    "a coordinate that is a word, on one line": (" ".join(CUBE.split()).replace("1 1 1", "1 x 1"), "it is cut short"),
    "a count of a thousand digits": ("OFF\n" + "9" * 1000 + " 1 0\n", "the numbers of vertices and faces don't follow OFF"),
    "a count of ten thousand digits, without the word": ("9" * 10000 + " 1 0\n", "it doesn't begin with OFF"),
    "a face of ten thousand digits": (CUBE.replace("4 0 3", "9" * 10000 + " 0 3"), "a face's line is not of whole numbers"),
}  # fmt: skip


@pytest.mark.parametrize("content", OFFS.values(), ids=OFFS)
def test_a_cube_in_off_with_free_lines_or_without_the_word(tmp_path, content):
    assert cells(read(tmp_path, "x.off", content)) == surface(CORNERS)


@pytest.mark.parametrize("content, fact", NO_OFFS.values(), ids=NO_OFFS)
def test_an_off_whose_words_do_not_fit_its_counts_is_named(tmp_path, content, fact):
    assert_named(tmp_path, "x.off", content, fact)


def test_colours_are_no_vertices_where_lines_are_free(tmp_path):
    """Where there are as many lines as vertices and faces, each line is one of them, and the rest of it colour."""
    coloured = "\n".join(["OFF", "8 6 0", *(row + " 255 0 0" for row in ROWS[:8]), *ROWS[8:]])
    assert cells(read(tmp_path, "x.off", coloured)) == surface(CORNERS)


# ---- .obj ----------------------------------------------------------------------------------------------------------

OBJ = "".join(f"v {row}\n" for row in ROWS[:8]) + "".join(f"f {' '.join(str(i + 1) for i in quad)}\n" for quad in QUADS)
OBJS = {
    "a face of one corner": OBJ + "f 1\n",
    "a face of two corners": OBJ + "f 1 2\n",
    "two corners with textures and normals": OBJ + "f 1/1/1 2/2/2\n",
    "a line that goes on": OBJ.replace("f 1 4", "f 1 \\\n4"),
    "a blank behind the backslash": OBJ.replace("f 1 4", "f 1 \\ \n4"),
    "a tab behind the backslash, line ends of Windows": OBJ.replace("f 1 4", "f 1 \\\t \n4").replace("\n", "\r\n"),
    "a backslash in the midst of a number's line": OBJ.replace("v 0 0 1", "v 0 0 \\ \n1"),
    "points far away": OBJ + "v 10 10 10\np 9\n",
}


@pytest.mark.parametrize("content", OBJS.values(), ids=OBJS)
def test_a_cube_in_obj_with_what_has_no_surface_and_lines_that_go_on(tmp_path, content):
    assert cells(read(tmp_path, "x.obj", content)) == surface(CORNERS)


# ---- .ply ----------------------------------------------------------------------------------------------------------


def ply(faces=QUADS, form="ascii", comment="x", more="", end="end_header\n", first=0.0):
    """A .ply of the cube: polygons, behind each as many bytes as `more` has properties. first: a vertex of no face."""
    order = ">" if form == "binary_big_endian" else "<"
    header = f"ply\nformat {form} 1.0\ncomment {comment}\nelement vertex 9\nproperty float x\nproperty float y\nproperty float z\n"
    header += f"element face {len(faces)}\nproperty list uchar int vertex_indices\n{more}{end}"
    vertices, extra = [(first,) * 3, *CORNERS.tolist()], more.count("\n")
    rows = [[len(face), *(corner + 1 for corner in face), *[7] * extra] for face in faces]
    if form == "ascii":
        return header.encode() + "".join(" ".join(map(str, row)) + "\n" for row in [*vertices, *rows]).encode()
    packed = [struct.pack(f"{order}B{len(face)}i{extra}B", *row) for face, row in zip(faces, rows)]
    return header.encode() + b"".join([*(struct.pack(f"{order}3f", *vertex) for vertex in vertices), *packed])


LE, BE = "binary_little_endian", "binary_big_endian"
NEWLINE_FIRST = struct.unpack("<f", b"\n\x00\x00\x00")[0]  # a number whose first byte is the end of a line
BLANK_FIRST = struct.unpack("<f", b" \x00\x00\x00")[0]
RETURN_FIRST = struct.unpack("<f", b"\r\n\x00\x00")[0]
MIXED = [QUADS[0], *TRIANGLES[[1, 7]].tolist(), QUADS[2], *TRIANGLES[[3, 9]].tolist(), QUADS[4], QUADS[5]]


def with_ends(content, end):
    """The same with other line ends in its header."""
    head, mark, body = content.partition(b"end_header\n")
    return (head + mark).replace(b"\n", end) + body


PLYS = {
    "a blank behind end_header": ply(form=LE, end="end_header \n"),
    "blanks and tabs behind end_header": ply(form=BE, end="end_header \t \n"),
    "the same in text": ply(end="end_header \n"),
    "end_header in a comment": ply(comment="made before end_header was there"),
    "end_header in a comment, binary": ply(form=LE, comment="end_header"),
    "line ends of Windows": with_ends(ply(form=LE), b"\r\n"),
    "line ends of Windows, then a byte as of a line end": with_ends(ply(form=LE, first=NEWLINE_FIRST), b"\r\n"),
    "line ends of old Macs": with_ends(ply(form=LE), b"\r"),
    "line ends of old Macs, then a byte as of a line end": with_ends(ply(form=LE, first=NEWLINE_FIRST), b"\r"),
    "line ends of old Macs in text": ply().replace(b"\n", b"\r"),
    "a byte as of a line end": ply(form=LE, first=NEWLINE_FIRST),
    "bytes as of a line end of Windows": ply(form=LE, first=RETURN_FIRST),
    "a byte as of a blank": ply(form=LE, first=BLANK_FIRST),
    "a blank behind end_header and a byte as of a blank": ply(form=LE, first=BLANK_FIRST, end="end_header  \n"),
    "Windows only at the end of the header": ply(form=LE, end="end_header\r\n"),
    "a byte-order mark": b"\xef\xbb\xbf" + ply(),
    "triangles and quads": ply(MIXED),
    "triangles and quads, binary": ply(MIXED, form=LE),
    "triangles and quads, big-endian": ply(MIXED, form=BE),
    "triangles and quads with a number behind each": ply(MIXED, form=LE, more="property uchar flag\n"),
    "with lines and points": ply([[0, 1], *MIXED, [3], []], form=BE),
}  # fmt: skip


@pytest.mark.parametrize("content", PLYS.values(), ids=PLYS)
def test_a_cube_in_ply_whatever_its_header_ends_with_and_its_faces_are(tmp_path, content):
    assert cells(read(tmp_path, "x.ply", content)) == surface(CORNERS)


def test_two_lists_a_face_are_told_apart(tmp_path):
    """Texture coordinates before and behind the corners, of another number each time."""
    header = ply([]).decode().split("element face")[0].replace("ascii", LE)
    lists = "property list uchar float before\nproperty list ushort uint vertex_indices\nproperty list uchar uchar behind\n"
    body = struct.pack("<27f", *[0.0] * 3, *CORNERS.ravel())
    for number, face in enumerate(MIXED):
        body += struct.pack(f"<B{number}fH{len(face)}IB{number % 2}B", number, *[0.5] * number, len(face), *(i + 1 for i in face), number % 2, *[9] * (number % 2))  # fmt: skip
    content = f"{header}element face {len(MIXED)}\n{lists}end_header\n".encode() + body
    assert cells(read(tmp_path, "x.ply", content)) == surface(CORNERS)
    for length in range(len(content) - len(body) + 200, len(content)):
        assert_named(tmp_path, "x.ply", content[:length], "it is cut short: its header announces 9 vertex and 8 face")


@pytest.mark.parametrize("announced", ["vertex 9" + "0" * 12, "face 6" + "0" * 12, "face 6" + "0" * 30])
@pytest.mark.parametrize("form", ["ascii", LE])
def test_more_rows_than_any_memory_holds_are_named_at_once(tmp_path, form, announced):
    content = ply(form=form).replace(f"element {announced.split('0')[0]}\n".encode(), f"element {announced}\n".encode())
    started = time.process_time()
    assert_named(tmp_path, "x.ply", content, "it is cut short")
    assert time.process_time() - started < 1


def test_faces_of_a_ply_that_are_alike_are_read_at_once(tmp_path):
    """300,000 triangles; face by face they took 1.5 seconds."""
    header = ply([], form=LE).replace(b"face 0", b"face 300000")
    faces = np.tile(np.frombuffer(b"\x03" + struct.pack("<3i", 1, 2, 3), dtype=np.uint8), 300000).tobytes()
    started = time.process_time()
    assert len(read(tmp_path, "x.ply", header + faces).triangles) == 300000
    assert time.process_time() - started < 1


# ---- .stl ----------------------------------------------------------------------------------------------------------


def facet(corners):
    lines = "".join("   vertex %g %g %g\n" % tuple(corner) for corner in corners)
    return f" facet normal 0 0 0\n  outer loop\n{lines}  endloop\n endfacet\n"


def solid(facets, name="x"):
    return f"solid {name}\n{''.join(map(facet, facets))}endsolid {name}\n"


def binary(facets, count=None, header=b"", behind=b"", attribute=b"\0\0"):
    rows = [np.array([[0, 0, 0], *corners], dtype="<f4").tobytes() + attribute for corners in facets]
    return (
        header.ljust(80, b"\0") + (len(facets) if count is None else count).to_bytes(4, "little") + b"".join(rows) + behind
    )


FACETS = CORNERS[TRIANGLES]
TEXT = solid(FACETS)
STLS = {
    "text": TEXT,
    "capitals": TEXT.upper(),
    "a byte-order mark": "\ufeff" + TEXT,
    "line ends of Windows": TEXT.replace("\n", "\r\n"),
    "line ends of old Macs": TEXT.replace("\n", "\r"),
    "all on one line": " ".join(TEXT.split()),
    "all on one line, a name of many words": " ".join(solid(FACETS, "my solid vertex").split()),
    "a word a line": "\n".join(TEXT.split()).replace("solid\nx", "solid x"),
    "no names": TEXT.replace(" x", ""),
    "a name that holds vertex": solid(FACETS, "my vertex model"),
    "a name that holds facet": solid(FACETS, "a facet of life"),
    "a name that holds solid and endsolid": solid(FACETS, "solid of endsolid"),
    "a name that isn't UTF-8": solid(FACETS, "@").encode().replace(b"@", b"\xff\xe9"),
    "another name at the end": TEXT.replace("endsolid x", "endsolid other"),
    "end solid in two words": TEXT.replace("endsolid", "end solid").replace("endloop", "end loop").replace("endfacet", "end facet"),
    "normals that are no numbers": TEXT.replace("normal 0 0 0", "normal -nan -1.#IND 1e999"),
    "no normals": TEXT.replace(" normal 0 0 0", ""),
    "two solids": solid(FACETS[:5], "a") + solid(FACETS[5:], "b"),
    "two solids, one of them empty": solid([], "a") + solid(FACETS, "b"),
    "two solids on one line": " ".join((solid(FACETS[:5], "a") + solid(FACETS[5:], "b")).split()),
    "four corners a facet": solid(CORNERS[QUADS]),
    "binary": binary(FACETS),
    "binary, with a header as of a text": binary(FACETS, header=b"solid of Solid Works"),
    "binary, with a header of blanks": binary(FACETS, header=b" " * 80),
    "binary, with colours": binary(FACETS, attribute=b"\x1f\x80"),
    "binary, with bytes behind": binary(FACETS, behind=b"0123456789"),
    "binary, like a text and with bytes behind": binary(FACETS, header=b"solid x", behind=b"0123456789"),
    "binary, with a page of zeros behind": binary(FACETS, behind=bytes(4096)),
    "binary, with a hundred zeros behind": binary(FACETS, behind=bytes(100)),
}  # fmt: skip
NO_STLS = {
    "empty": ("", "it is empty"),
    "blank": (" \n ", "it is empty"),
    "cut short in a facet": (TEXT[:700], "cut short or damaged: after 6 facets comes `facet normal 0 0 0 outer loop"),
    "cut short between facets": (TEXT[: TEXT.rindex("facet normal")], "it is cut short: after 11 facets its last solid"),
    "the second solid cut short": (TEXT + TEXT[:700], "cut short or damaged: after 18 facets comes"),
    "the second solid without its end": (TEXT + TEXT[: TEXT.index("endsolid")], "after 24 facets its last solid has no end"),
    "the first solid without its end": (TEXT.replace("endsolid x\n", "") + TEXT, "after 12 facets comes `solid x facet"),
    "facets behind the end": (TEXT + facet(FACETS[0]), "after 12 facets comes `facet normal"),
    "text behind the end": (TEXT + "Kind regards", "after 12 facets comes `kind regards`"),
    "two corners": (TEXT.replace("   vertex 0 0 0\n", "", 1), "a facet has 2 corners"),
    "a coordinate missing": (TEXT.replace("vertex 0 0 0", "vertex 0 0", 1), "cut short or damaged: after 0 facets"),
    "a coordinate too many": (TEXT.replace("vertex 0 0 0", "vertex 0 0 0 0", 1), "cut short or damaged: after 0 facets"),
    "a word as coordinate": (TEXT.replace("vertex 0 0 0", "vertex 0 x 0", 1), "a coordinate is not a number"),
    "a decimal comma": (TEXT.replace("vertex 0 0 0", "vertex 0 0,5 0", 1), "a coordinate is not a number"),
    "not finite": (TEXT.replace("vertex 0 0 0", "vertex 0 nan 0", 1), "a coordinate is not a finite number"),
    "zeros after a power loss": (TEXT[:300] + "\0" * 50 + TEXT[350:], "it holds bytes that no text has"),
    "no facets": (solid([]), "it has no faces"),
    "another text": ("OFF\n" + TEXT, "neither a binary STL nor a text that begins with solid"),
    "binary, no facets": (binary([]), "it has no faces"),
    "binary, less than a header": (bytes(60), "it is cut short: no text, and less than the 84 bytes"),
    "binary, cut short": (binary(FACETS)[:-1], "it is cut short: it announces 12 triangles, but 11 follow"),
    "binary, like a text and cut short": (binary(FACETS, header=b"solid x")[:-60], "announces 12 triangles, but 10 follow"),
    "binary, one counted too many": (binary(FACETS, count=13), "it is cut short: it announces 13 triangles, but 12"),
    "binary, one counted too few": (binary(FACETS, count=11), "announces 11 triangles, but goes on with more"),
    "binary, none counted": (binary(FACETS, count=0), "announces 0 triangles, but goes on with more"),
    "binary, one file behind another": (binary(FACETS) + binary(FACETS[:7]), "12 triangles, but goes on with more"),
    "binary, counted beyond any memory": (binary(FACETS, count=2**32 - 1), "announces 4,294,967,295 triangles, but 12"),
    "binary, not finite": (binary(FACETS + np.inf), "a coordinate is not a finite number"),
}  # fmt: skip


@pytest.mark.parametrize("content", STLS.values(), ids=STLS)
def test_a_cube_in_every_dialect_of_stl(tmp_path, content):
    assert cells(read(tmp_path, "x.stl", content)) == surface(CORNERS)


@pytest.mark.parametrize("content, fact", NO_STLS.values(), ids=NO_STLS)
def test_an_stl_that_cannot_be_read_is_named(tmp_path, content, fact):
    assert_named(tmp_path, "x.stl", content, fact)


@pytest.mark.parametrize(
    "content", [TEXT.encode(), (solid(FACETS[:5], "a") + solid(FACETS[5:], "b")).encode(), binary(FACETS)]
)
def test_an_stl_cut_anywhere_is_whole_or_named(tmp_path, content):
    """A text may lack the name of its last solid, and the first of two solids may be all there is."""
    for length in range(0, len(content), 7):
        try:
            found = len(read(tmp_path, "x.stl", content[:length]).triangles)
        except InputError:
            continue
        assert found == content[:length].count(b"endfacet") and b"endsolid" in content[:length]


# ---- .gltf and .glb ------------------------------------------------------------------------------------------------

TYPES = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}
SHAPES = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (16,): "MAT4"}
POINTS, INDICES = CORNERS.astype("f4"), TRIANGLES.ravel().astype("u2")
CUBE_MESH = {"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}


def model_of(arrays=(POINTS, INDICES), **parts):
    """(the JSON of a glTF, its buffer): an accessor an array; a cube alone where `parts` say nothing else."""
    begins = [0, *accumulate(array.nbytes for array in arrays)]
    views = [{"buffer": 0, "byteOffset": begin, "byteLength": array.nbytes} for begin, array in zip(begins, arrays)]
    accessors = [
        {"bufferView": i, "componentType": TYPES[a.dtype.name], "count": len(a), "type": SHAPES[a.shape[1:]]}
        for i, a in enumerate(arrays)
    ]
    model = {"asset": {"version": "2.0"}, "buffers": [{"byteLength": begins[-1]}], "bufferViews": views, "accessors": accessors,
             "meshes": [CUBE_MESH], "nodes": [{"mesh": 0}], "scenes": [{"nodes": [0]}], "scene": 0}  # fmt: skip
    return copy.deepcopy(model | parts), b"".join(array.tobytes() for array in arrays)


def glb(model, buffer, version=2, announced=0):
    text = json.dumps(model).encode()
    chunks = b"".join(struct.pack("<I4s", len(part), kind) + part for kind, part in ((b"JSON", text), (b"BIN\0", buffer)))
    return struct.pack("<4sII", b"glTF", version, 12 + len(chunks) + announced) + chunks


def cube_glb(arrays=(POINTS, INDICES), **parts):
    return glb(*model_of(arrays, **parts))


def moved(vector, points=CORNERS):
    return points + np.array(vector)


def two(first, second):
    """The surface of two cubes with these corners."""
    return surface(np.vstack([first, second]), np.vstack([TRIANGLES, TRIANGLES + 8]))


QUARTER = [0, 0, 0.5**0.5, 0.5**0.5]  # a turn by 90 degrees about z
TURNED = CORNERS[:, [1, 0, 2]] * (-1, 1, 1)
FAR = {"mesh": 0, "translation": [3, 0, 0]}
JOINTS = np.zeros((8, 4), dtype="u1")
JOINTS[4:, 0] = 1  # the upper half of the cube
WEIGHTS = np.array([[1, 0, 0, 0]] * 8, dtype="f4")
SKINNED = {"primitives": [{"attributes": {"POSITION": 0, "JOINTS_0": 2, "WEIGHTS_0": 3}, "indices": 1}]}
SKIN = {"meshes": [SKINNED], "skins": [{"joints": [1, 2]}], "scenes": [{"nodes": [0, 1]}]}
BONES = [{"mesh": 0, "skin": 0}, {"children": [2]}, {"translation": [2, 0, 0]}]
POSED = CORNERS + (CORNERS[:, 2:] == 1) * (2, 0, 0)
INVERSES = np.array([np.eye(4).T.ravel(), np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [-2, 0, 0, 1]]).ravel()], "f4")
MORPH = {"primitives": [CUBE_MESH["primitives"][0] | {"targets": [{"POSITION": 2}, {"POSITION": 3}]}]}
RAISED = (CORNERS * (0, 0, 2)).astype("f4")
WIDENED = (CORNERS * (1, 0, 0)).astype("f4")


def morphed(mesh, node):
    return cube_glb((POINTS, INDICES, RAISED, WIDENED), meshes=[MORPH | mesh], nodes=[{"mesh": 0} | node])


def skinned(arrays=(), nodes=BONES, joints=JOINTS, weights=WEIGHTS, **parts):
    return cube_glb((POINTS, INDICES, joints, weights, *arrays), **(SKIN | {"nodes": nodes} | parts))


def quantized(kind, scale, normalized, offset=0):
    """The cube's corners as whole numbers, and the node that makes them a cube again."""
    model, buffer = model_of((np.pad((CORNERS * scale + offset).astype(kind), ((0, 0), (0, 1))), INDICES))
    model["accessors"][0].update(type="VEC3", normalized=normalized)
    model["bufferViews"][0]["byteStride"] = 4 * np.dtype(kind).itemsize
    model["extensionsRequired"] = ["KHR_mesh_quantization"]
    return glb(model, buffer)


def sparse(base):
    """Three corners replaced, in a buffer without the others where base is False."""
    model, buffer = model_of((POINTS, INDICES, np.array([6], dtype="u1"), np.array([[2, 2, 2]], dtype="f4")))
    place = {"count": 1, "indices": {"bufferView": 2, "componentType": 5121}, "values": {"bufferView": 3}}
    model["accessors"][0]["sparse"] = place
    if not base:
        del model["accessors"][0]["bufferView"]
    return glb(model, buffer)


def primitive(mode, corners, indexed=True):
    """A square of two triangles, its corners in the order of a mode."""
    points = np.array([[0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]], dtype="f4")
    arrays = (points, np.array(corners, dtype="u1")) if indexed else (points[corners],)
    shape = {"attributes": {"POSITION": 0}, "mode": mode} | ({"indices": 1} if indexed else {})
    lines = [{"attributes": {"POSITION": 0}, "mode": kind} for kind in range(4)]
    return cube_glb(arrays, meshes=[{"primitives": [*lines, shape]}])


SQUARE = surface([[0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]], [[0, 1, 2], [0, 2, 3]])
ONE = surface(CORNERS)
SPARSE = CORNERS.copy()
SPARSE[6] = 2
GLTFS = {
    "plain": (cube_glb(), ONE),
    "a byte-order mark": (b"\xef\xbb\xbf" + json.dumps(model_of()[0] | {"buffers": [{"byteLength": 168, "uri": "data:;base64," + base64.b64encode(model_of()[1]).decode()}]}).encode(), ONE),
    "numbers written with a point": (cube_glb(scene=0.0, nodes=[{"mesh": 0.0}]), ONE),
    "no scene named": (cube_glb(nodes=[{"mesh": 0}, FAR], scenes=[{"nodes": [1]}, {"nodes": [0]}], scene=1), ONE),
    "no scenes": (glb({k: v for k, v in model_of()[0].items() if k not in ("scene", "scenes")}, model_of()[1]), ONE),
    "the scene that is named": (cube_glb(nodes=[{"mesh": 0}, FAR], scenes=[{"nodes": [0, 1]}, {"nodes": [0]}], scene=1), ONE),
    "materials required": (cube_glb(extensionsRequired=["KHR_materials_unlit", "KHR_texture_transform"]), ONE),
    "bytes behind": (cube_glb() + b"\0" * 9, ONE),
    "indices of a byte": (cube_glb((POINTS, INDICES.astype("u1"))), ONE),
    "indices of four bytes": (cube_glb((POINTS, INDICES.astype("u4"))), ONE),
    "no indices": (cube_glb((POINTS[INDICES],), meshes=[{"primitives": [{"attributes": {"POSITION": 0}}]}]), ONE),
    "moved": (cube_glb(nodes=[{"mesh": 0}, FAR], scenes=[{"nodes": [0, 1]}]), two(CORNERS, moved([3, 0, 0]))),
    "scaled": (cube_glb(nodes=[{"mesh": 0, "scale": [3, 1, 2]}]), surface(CORNERS * (3, 1, 2))),
    "turned": (cube_glb(nodes=[{"mesh": 0, "scale": [3, 1, 2], "rotation": QUARTER}]), surface(TURNED * (1, 3, 2))),
    "turned, a quaternion of another length": (cube_glb(nodes=[{"mesh": 0, "scale": [3, 1, 2], "rotation": [0, 0, 7, 7]}]), surface(TURNED * (1, 3, 2))),
    "a matrix, by columns": (cube_glb(nodes=[{"mesh": 0}, {"mesh": 0, "matrix": [0, 2, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, 5, 0, 0, 1]}], scenes=[{"nodes": [0, 1]}]), two(CORNERS, moved([5, 0, 0], TURNED * (1, 2, 1)))),
    "mirrored": (cube_glb(nodes=[{"mesh": 0}, {"mesh": 0, "scale": [-4, 1, 1]}], scenes=[{"nodes": [0, 1]}]), two(CORNERS, CORNERS * (-4, 1, 1))),
    "below another": (cube_glb(nodes=[{"mesh": 0}, {"children": [2], "rotation": QUARTER, "scale": [2, 2, 2]}, {"mesh": 0, "translation": [3, 0, 0]}], scenes=[{"nodes": [0, 1]}]), two(CORNERS, 2 * moved([0, 3, 0], TURNED))),
    "camera and mesh": (cube_glb(nodes=[FAR | {"camera": 0}, {"mesh": 0, "scale": [1, 1, 2]}], scenes=[{"nodes": [0, 1]}], cameras=[{}]), two(moved([3, 0, 0]), CORNERS * (1, 1, 2))),
    "below a camera": (cube_glb(nodes=[{"camera": 0, "translation": [3, 0, 0], "children": [1]}, {"mesh": 0}, {"mesh": 0, "scale": [1, 1, 2]}], scenes=[{"nodes": [0, 2]}], cameras=[{}]), two(moved([3, 0, 0]), CORNERS * (1, 1, 2))),
    "hidden": (cube_glb(nodes=[{"mesh": 0}, FAR | {"extensions": {"KHR_node_visibility": {"visible": False}}}], scenes=[{"nodes": [0, 1]}], extensionsRequired=["KHR_node_visibility"]), ONE),
    "below a hidden one": (cube_glb(nodes=[{"mesh": 0}, {"children": [2], "extensions": {"KHR_node_visibility": {"visible": False}}}, FAR], scenes=[{"nodes": [0, 1]}]), ONE),
    "shown": (cube_glb(nodes=[{"mesh": 0}, FAR | {"extensions": {"KHR_node_visibility": {"visible": True}}}], scenes=[{"nodes": [0, 1]}]), two(CORNERS, moved([3, 0, 0]))),
    "posed": (skinned(), surface(POSED)),
    "posed, back to where it was": (skinned([INVERSES], skins=[{"joints": [1, 2], "inverseBindMatrices": 4}]), ONE),
    "posed, its own node elsewhere": (skinned(nodes=[BONES[0] | {"translation": [9, 9, 9]}, *BONES[1:]]), surface(POSED)),
    "posed, by weights of bytes": (skinned(weights=(WEIGHTS * 255).astype("u1")), surface(POSED)),
    "posed, by half": (skinned(weights=np.array([[0.5, 0.5, 0, 0]] * 8, dtype="f4")), surface(CORNERS + (CORNERS[:, 2:] == 1) * (1, 0, 0))),
    "posed, by weights that add up to two": (skinned(weights=2 * WEIGHTS), surface(POSED)),
    "posed, by a second set": (skinned([JOINTS, WEIGHTS], weights=0 * WEIGHTS, meshes=[{"primitives": [{"attributes": {"POSITION": 0, "JOINTS_0": 2, "WEIGHTS_0": 3, "JOINTS_1": 4, "WEIGHTS_1": 5}, "indices": 1}]}]), surface(POSED)),
    "morphed, then posed": (skinned([RAISED], meshes=[{"weights": [0.5], "primitives": [SKINNED["primitives"][0] | {"targets": [{"POSITION": 4}]}]}]), surface(POSED * (1, 1, 2))),
    "joints without a skin": (cube_glb((POINTS, INDICES, JOINTS, WEIGHTS), meshes=[SKINNED]), ONE),
    "morphed": (morphed({"weights": [0.5, 0]}, {}), surface(CORNERS * (1, 1, 2))),
    "morphed by the node": (morphed({"weights": [0.5, 0]}, {"weights": [0, 2]}), surface(CORNERS * (3, 1, 1))),
    "morphed by both targets": (morphed({"weights": [0.5, 1]}, {}), surface(CORNERS * (2, 1, 2))),
    "morphed backwards": (morphed({"weights": [-0.25, 0]}, {}), surface(CORNERS * (1, 1, 0.5))),
    "not morphed": (morphed({}, {}), ONE),
    "sparse": (sparse(True), surface(SPARSE)),
    "sparse, over zeros": (sparse(False), surface(CORNERS * 0 + (np.arange(8) == 6)[:, None] * 2)),
    "quantized to signed bytes": (quantized("i1", 200, False, -100), ONE),
    "quantized to bytes": (quantized("u1", 250, False), ONE),
    "quantized to signed shorts": (quantized("i2", 60000, False, -30000), ONE),
    "quantized to shorts": (quantized("u2", 60000, False), ONE),
    "quantized and normalized": (quantized("i2", 60000, True, -30000), ONE),
    "a strip": (primitive(5, [0, 1, 3, 2]), SQUARE),
    "a strip without indices": (primitive(5, [0, 1, 3, 2], False), SQUARE),
    "a fan": (primitive(6, [0, 1, 2, 3]), SQUARE),
    "a fan without indices": (primitive(6, [0, 1, 2, 3], False), SQUARE),
    "triangles beside points and lines": (primitive(4, [0, 1, 2, 0, 2, 3]), SQUARE),
}  # fmt: skip


@pytest.mark.parametrize("content, right", GLTFS.values(), ids=GLTFS)
def test_a_gltf_becomes_the_surface_that_its_scene_draws(tmp_path, content, right):
    assert cells(read(tmp_path, "x.glb", content)) == right


def changed(arrays=(POINTS, INDICES), **places):
    """A cube's .glb with one place of its JSON changed: accessors_0_count=3."""
    model, buffer = model_of(arrays)
    for place, value in places.items():
        *path, last = [int(word) if word.isdigit() else word for word in place.split("_")]
        at = model
        for step in path:
            at = at[step]
        at[last] = value
    return glb(model, buffer)


PIPE = {"buffers": [{"byteLength": 168, "uri": "pipe"}]}
NO_GLTFS = {
    "empty": (b"", "it is empty"),
    "no JSON": (b"{", "it is damaged: what it says can't be understood as glTF"),
    "another JSON": (b"[3]", "its JSON is not that of a glTF"),
    "brackets without end": (b"[" * 10**6, "it is damaged"),
    "version 1": (b'{"asset": {"version": "1.0"}, "scene": "s", "scenes": {"s": {}}, "nodes": {}}', "it is glTF 1.0, and only 2.0"),
    "version 1, binary": (glb(*model_of(), version=1), "it is glTF 1.0, and only 2.0 can be read; export it as glTF 2.0"),
    "a later version": (cube_glb(asset={"version": "2.5", "minVersion": "2.5"}), "it is glTF 2.5, and only 2.0"),
    "Draco": (cube_glb(extensionsRequired=["KHR_draco_mesh_compression"]), "needs the extension KHR_draco_mesh_compression, which"),
    "Draco, not required": (cube_glb(meshes=[{"primitives": [CUBE_MESH["primitives"][0] | {"extensions": {"KHR_draco_mesh_compression": {}}}]}], accessors=[{"componentType": 5126, "count": 8, "type": "VEC3"}]), "needs the extension KHR_draco_mesh_compression"),
    "meshopt": (cube_glb(extensionsRequired=["EXT_meshopt_compression"]), "needs the extension EXT_meshopt_compression"),
    "meshopt, not required": (changed(bufferViews_0_extensions={"EXT_meshopt_compression": {}}), "needs the extension EXT_meshopt_compression"),
    "instances": (cube_glb(nodes=[{"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {}}}]), "needs the extension EXT_mesh_gpu_instancing"),
    "an unknown extension": (cube_glb(extensionsRequired=["ACME_\nshape"]), "needs the extension ACME_"),
    "cut short": (cube_glb()[:-1], "it is cut short: it announces"),
    "more announced": (glb(*model_of(), announced=4), "it is cut short: it announces"),
    "no chunks": (cube_glb()[:12], "it is cut short|it is damaged"),
    "no binary chunk": (json.dumps(model_of()[0]).encode(), "its buffer 0 is missing"),
    "a second buffer": (cube_glb(buffers=[{"byteLength": 4}, {"byteLength": 168}], bufferViews=[{"buffer": 1, "byteLength": 96}]), "its buffer 1 is missing"),
    "a shorter buffer": (cube_glb(buffers=[{"byteLength": 169}]), "a buffer should hold 169 bytes, but holds 168"),
    "a shorter data URI": (cube_glb(buffers=[{"byteLength": 168, "uri": "data:;base64,AAAA"}]), "should hold 168 bytes, but holds 3"),
    "a buffer beyond any memory": (cube_glb(buffers=[{"byteLength": 10**13, "uri": "x.glb"}]), "a buffer of it holds 10,000,000,000,000 bytes"),
    "a data URI that isn't base64": (cube_glb(buffers=[{"byteLength": 168, "uri": "data:;base64,%%%"}]), "it is damaged"),
    "a missing file": (cube_glb(buffers=[{"byteLength": 168, "uri": "there.bin"}]), "its buffer 'there.bin' is missing"),
    "an address": (cube_glb(buffers=[{"byteLength": 168, "uri": "https://example.org/x.bin"}]), "its buffer 'https://example.org/x.bin' is missing"),
    "a folder": (cube_glb(buffers=[{"byteLength": 168, "uri": "."}]), "its buffer '.' is missing: no such regular file"),
    "a device": (cube_glb(buffers=[{"byteLength": 168, "uri": "/dev/zero"}]), "its buffer '/dev/zero' is missing: no such regular file"),
    "a name without end": (cube_glb(buffers=[{"byteLength": 168, "uri": "x" * 10**5}]), "its buffer 'xxx"),
    "a name with a zero": (cube_glb(buffers=[{"byteLength": 168, "uri": "x\0"}]), "its buffer 'x"),
    "a name that is no text": (cube_glb(buffers=[{"byteLength": 168, "uri": "\ud800"}]), "its buffer '"),
    "a view beyond the buffer": (changed(bufferViews_0_byteLength=9999, accessors_0_count=800), "it is cut short: 800 rows of 12 bytes"),
    "an accessor beyond its view": (changed(accessors_0_count=9), "it is cut short: 9 rows of 12 bytes"),
    "an accessor beyond any memory": (changed(accessors_0_count=10**15), "it is cut short"),
    "zeros beyond any memory": (changed(accessors_0={"componentType": 5126, "count": 10**12, "type": "VEC3", "sparse": {}}), "compressed or missing"),
    "rows that lie upon each other": (changed(bufferViews_0_byteStride=0), "it is cut short"),
    "no numbers": (changed(accessors_0={"componentType": 5126, "count": 8, "type": "VEC3"}), "compressed or missing; export it uncompressed"),
    "a negative count": (changed(accessors_0_count=-8), "it is damaged"),
    "a negative number": (cube_glb(nodes=[{"mesh": -1}]), "it is damaged"),
    "a type that isn't there": (changed(accessors_0_type="VEC2"), "its accessor 0 is of type 'VEC2', and not VEC3"),
    "an accessor that isn't there": (changed(meshes_0_primitives_0_indices=7), "it names number 7 of its accessors, counted from 0, but holds 2"),
    "a corner that isn't there": (cube_glb((POINTS, INDICES + 1)), "a face names vertex 8, but the vertices are numbered 0 to 7"),
    "an end of a strip in the midst of it": (cube_glb((POINTS, np.array([0, 1, 2, 65535, 3, 4], dtype="u2"))), "a face names vertex 65535"),
    "a corner too many": (cube_glb((POINTS, INDICES[:-1])), "its triangles have 35 corners, which is no multiple of three"),
    "corners with signs": (cube_glb((POINTS, INDICES.astype("i2"))), "no whole numbers without sign"),
    "a mode that isn't there": (changed(meshes_0_primitives_0_mode=7), "a primitive's mode is 7"),
    "only lines": (changed(meshes_0_primitives_0_mode=1), "it has no faces"),
    "no nodes in its scene": (cube_glb(scenes=[{}]), "it has no faces"),
    "a scene that isn't there": (cube_glb(scene=3), "it names number 3 of its scenes"),
    "a node below two": (cube_glb(nodes=[{"children": [2]}, {"children": [2]}, {"mesh": 0}], scenes=[{"nodes": [0, 1]}]), "its node 2 lies below two parents"),
    "a node twice below one": (cube_glb(nodes=[{"children": [1, 1]}, {"mesh": 0}]), "its node 1 lies below two parents"),
    "a node below itself": (cube_glb(nodes=[{"mesh": 0, "children": [1]}, {"children": [0]}]), "some of its nodes lie below themselves"),
    "a root twice": (cube_glb(scenes=[{"nodes": [0, 0]}]), "its scene draws node 0 twice"),
    "a root below a root": (cube_glb(nodes=[{"children": [1]}, {"mesh": 0}], scenes=[{"nodes": [0, 1]}]), "its scene draws node 1 twice"),
    "a child that isn't there": (cube_glb(nodes=[{"mesh": 0, "children": [5]}]), "it names number 5 of its nodes"),
    "a matrix too small": (cube_glb(nodes=[{"mesh": 0, "matrix": [1, 0, 0, 1]}]), "it is damaged"),
    "a turn about nothing": (cube_glb(nodes=[{"mesh": 0, "rotation": [0, 0, 0, 0]}]), "a quaternion without length"),
    "a place that isn't finite": (cube_glb(nodes=[{"mesh": 0, "translation": [1e400, 0, 0]}]), "a coordinate is not a finite number"),
    "a place too far": (cube_glb(nodes=[{"mesh": 0, "translation": [1e300, 0, 0]}]), "a coordinate is not a finite number"),
    "flattened to a point": (cube_glb(nodes=[{"mesh": 0, "scale": [0, 0, 0]}]), "all its vertices coincide"),
    "a joint that isn't there": (skinned(joints=JOINTS + 1), "bound to joints that aren't there"),
    "bound to nothing": (skinned(weights=0 * WEIGHTS), "belong to a skin but to none of its joints"),
    "fewer matrices than joints": (skinned([INVERSES[:1]], skins=[{"joints": [1, 2], "inverseBindMatrices": 4}]), "fewer matrices than joints"),
    "a skin for a mesh without joints": (cube_glb(nodes=[{"mesh": 0, "skin": 0}], skins=[{"joints": [0]}]), "belong to a skin but to none"),
    "weights that are missing": (skinned(meshes=[{"primitives": [{"attributes": {"POSITION": 0, "JOINTS_0": 2}, "indices": 1}]}]), "it is damaged"),
    "a target of another mesh": (cube_glb((POINTS, INDICES, RAISED[:5], WIDENED), meshes=[MORPH | {"weights": [1, 1]}]), "a morph target has not as many vertices"),
    "a sparse row that isn't there": (sparse(True).replace(b'"componentType": 5121', b'"componentType": 5125'), "it is cut short"),
}  # fmt: skip


@pytest.mark.parametrize("content, fact", NO_GLTFS.values(), ids=NO_GLTFS)
def test_a_gltf_that_cannot_be_read_is_named(tmp_path, content, fact):
    assert_named(tmp_path, "x.glb", content, fact)


@pytest.mark.parametrize(
    "name, uri", [("x.bin", "x.bin"), ("a b.bin", "a%20b.bin"), ("a%20b.bin", "a%20b.bin"), ("é.bin", "é.bin")]
)
def test_the_numbers_of_a_gltf_may_lie_in_a_file_beside_it(tmp_path, name, uri):
    model, buffer = model_of(buffers=[{"byteLength": 168, "uri": uri}])
    (tmp_path / name).write_bytes(buffer + b"more")
    assert cells(read(tmp_path, "x.gltf", json.dumps(model))) == ONE


def test_the_numbers_of_a_gltf_may_lie_in_its_text(tmp_path):
    text = "".join(f"%{byte:02x}" for byte in model_of()[1])
    encoded = base64.b64encode(model_of()[1]).decode()
    for uri in ("data:application/octet-stream;base64," + encoded, "data:;base64," + encoded.rstrip("="), "data:," + text):
        assert cells(read(tmp_path, "x.gltf", json.dumps(model_of(buffers=[{"byteLength": 168, "uri": uri}])[0]))) == ONE


def test_a_buffer_that_is_a_pipe_is_named_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert_named(tmp_path, "x.gltf", json.dumps(model_of(**PIPE)[0]), "its buffer 'pipe' is missing: no such regular file")


def test_a_large_file_as_buffer_is_not_read_beyond_what_is_announced(tmp_path):
    """A terabyte of zeros, which takes no room on the disk."""
    with open(tmp_path / "pipe", "wb") as file:
        file.write(model_of()[1])
        file.truncate(1 << 40)
    assert cells(read(tmp_path, "x.gltf", json.dumps(model_of(**PIPE)[0]))) == ONE


def test_a_mesh_that_is_drawn_without_end_is_named(tmp_path):
    """A small file: 5,000 nodes that draw 10,000 triangles each."""
    many = cube_glb((POINTS, np.zeros(30000, dtype="u1")), nodes=[{"mesh": 0}] * 5000, scenes=[{"nodes": list(range(5000))}])
    assert_named(tmp_path, "x.glb", many, "it draws more than 20,000,000 vertices or triangles; export it coarser")


def test_nodes_in_a_long_chain_are_no_trouble(tmp_path):
    chain = [{"children": [number + 1]} for number in range(5000)] + [{"mesh": 0}]
    assert cells(read(tmp_path, "x.glb", cube_glb(nodes=chain))) == ONE


def test_a_gltf_cut_anywhere_is_named(tmp_path):
    content = cube_glb()
    for length in range(0, len(content), 3):
        assert_named(tmp_path, "x.glb", content[:length], "empty|cut short|damaged")
