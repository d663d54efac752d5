"""What real files do that their format's description doesn't expect, and what each must become: its surface, or one sentence.

Every format has its dialects (read, and equal to the plain cube cell by cell) and its faults (named by one sentence). The
files are built here, as small as they can be.
"""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import CUBE
from voxprune.core.errors import InputError
from voxprune.settings.voxels import Grid
from voxprune.meshes.read import Mesh
from voxprune.meshes.read import read_mesh
from voxprune.meshes.polygons import triangulate
from voxprune.voxels.voxelize import voxelize

GRID = Grid(16)
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
    assert voxelize(far, Grid(16, "corner")).sum() < 3**3 < voxelize(Mesh(CORNERS, TRIANGLES), Grid(16, "corner")).sum()


def test_an_object_is_as_long_as_what_is_drawn_of_it():
    far = Mesh(np.vstack([CORNERS, [[10, 10, 10]]]), TRIANGLES)
    assert voxelize(far, Grid(16, scale=1.0)).sum() == 16**3 - 14**3
    with pytest.raises(InputError, match="its longest side is 1, more than voxels.scale 0.5"):
        voxelize(far, Grid(16, scale=0.5))
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
