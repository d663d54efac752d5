"""What real files do that their format's description doesn't expect, and what each must become: its surface, or one sentence.

Every format has its dialects (read, and equal to the plain cube cell by cell) and its faults (named by one sentence). The
files are built here, as small as they can be.
"""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CUBE
from voxprune.files import InputError
from voxprune.grids import Grid
from voxprune.meshes import Mesh, read_mesh
from voxprune.polygons import triangulate
from voxprune.voxels import voxelize

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
