"""Meshes as they come, .off: each either voxelizes as it should or is refused with file, fact and remedy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CUBE
from voxprune.core.errors import InputError
from voxprune.meshes.polygons import triangulate
from voxprune.meshes.read import read_mesh, write_off
from voxprune.settings.voxels import Grid
from voxprune.voxels.voxelize import voxelize

TRIANGLE = "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
VERTICES, FACES = CUBE.split("\n")[2:10], CUBE.split("\n")[10:16]
L_SHAPE = "OFF\n6 1 0\n0 0 0\n2 0 0\n2 1 0\n1 1 0\n1 2 0\n0 2 0\n6 0 1 2 3 4 5\n"  # not convex
CUBES = {
    "plain": CUBE,
    "counts on the first line": CUBE.replace("OFF\n8", "OFF 8"),
    "counts glued to OFF, as in ModelNet40": CUBE.replace("OFF\n8", "OFF8"),
    "no number of edges": CUBE.replace("8 6 0", "8 6"),
    "comments and blank lines": CUBE.replace("8 6 0", "# a cube\n\n8 6 0 # counts").replace("4 0", "\n# faces\n4 0"),
    "line ends of Windows": CUBE.replace("\n", "\r\n"),
    "line ends of old Macs": CUBE.replace("\n", "\r"),
    "no line end at the end": CUBE.strip(),
    "a byte-order mark": "\ufeff" + CUBE,
    "tabs and spaces": CUBE.replace(" ", " \t ").replace("\n", "  \n"),
    "scientific notation": CUBE.replace("0 0 1\n", "0e0 .0 1.0E+00\n"),
    "colours after faces": "\n".join(["OFF", "8 6 0", *VERTICES, *(f + " 0.5 0.5 0.5" for f in FACES)]),
    "colours after some faces": "\n".join(["OFF", "8 6 0", *VERTICES, FACES[0] + " 255 0 0", *FACES[1:]]),
    "COFF": "\n".join(["COFF", "8 6 0", *(v + " 1 0 0 1" for v in VERTICES), *FACES]),
    "NOFF": "\n".join(["NOFF", "8 6 0", *(v + " 0 0 1" for v in VERTICES), *FACES]),
    "STCNOFF": "\n".join(["STCNOFF", "8 6 0", *(v + " 0 0 1 1 0 0 1 0 0" for v in VERTICES), *FACES]),
    "colours in plain OFF": "\n".join(["OFF", "8 6 0", *(v + " 255 0 0" for v in VERTICES), *FACES]),
    "a point and an edge as faces": CUBE.replace("8 6 0", "8 8 0") + "1 0\n2 0 6\n",
    "a face without area": CUBE.replace("8 6 0", "8 8 0") + "3 0 1 1\n4 0 0 0 0\n",
    "a face twice": CUBE.replace("8 6 0", "8 7 0") + FACES[0],
    "triangles and quads": CUBE.replace("8 6 0", "8 7 0").replace("4 0 3 2 1", "3 0 3 2\n3 0 2 1"),
}
REFUSED = {
    "an empty file": ("", "it is empty"),
    "blank lines": ("\n\n \n", "it is empty"),
    "a text that is no mesh": ("Dear all,\nplease find the chair attached.\n", "doesn't begin with OFF"),
    "an .obj under another name": ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "doesn't begin with OFF"),
    "binary OFF": ("OFF BINARY\n\0\0\0\3", "it holds bytes that no text has"),
    "a picture": ("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it holds bytes that no text has"),
    "zeros after a power loss": (CUBE[:60] + "\0" * 8 + CUBE[68:], "it holds bytes that no text has"),
    "four dimensions": ("4OFF\n1 1 0\n0 0 0 0\n1 0\n", "don't have three coordinates"),
    "only a header": ("OFF\n", "the numbers of vertices and faces don't follow"),
    "counts that are none": ("OFF\n-3 1 0\n", "the numbers of vertices and faces don't follow"),
    "no vertices": ("OFF\n0 0 0\n", "0 vertices and 0 faces"),
    "no faces": ("OFF\n3 0 0\n0 0 0\n1 0 0\n0 1 0\n", "3 vertices and 0 faces"),
    "faces without surface": ("OFF\n2 1 0\n0 0 0\n1 0 0\n2 0 1\n", "it has no faces"),
    "a truncated download": (CUBE[:60], "8 vertices and 6 faces, but .* it is cut short"),
    "cut within a face": (CUBE[:-6], "a face's line doesn't hold what it says: 4 3;"),
    "cut within a vertex": (CUBE[:20], "it is cut short"),
    "too few faces counted": (CUBE.replace("8 6 0", "8 5 0"), "14 lines follow: it goes on"),
    "a vertex too many counted": (CUBE.replace("8 6 0", "9 5 0"), "vertices don't all have as many numbers"),
    "a vertex too few counted": (CUBE.replace("8 6 0", "7 7 0"), "a face's line doesn't hold what it says: 0 1 1"),
    "four vertices more, three faces fewer": ("OFF\n7 1 0\n" + "0 0 1\n" * 3 + "3 0 1 2\n" * 4, "it is cut short"),
    "the same and a blank line": ("OFF\n7 1 0\n0 0 1\n\n" + "0 0 1\n" * 2 + "3 0 1 2\n" * 4, "it is cut short"),
    "the same and a vertex on two lines": (
        "OFF\n7 1 0\n0\n0 1\n" + "0 0 1\n" * 2 + "3 0 1 2\n" * 4,
        "vertices don't all have as many",
    ),
    "counts beyond any memory": (CUBE.replace("8 6 0", f"{10**15} 6 0"), "it is cut short"),
    "a coordinate missing": (TRIANGLE.replace("1 0 0", "1 0"), "vertices don't all have as many numbers"),
    "a coordinate that is a word": (TRIANGLE.replace("1 0 0", "1 x 0"), "a coordinate is not a number"),
    "a number with an underscore": (TRIANGLE.replace("1 0 0", "1_0 0 0"), "a number holds an underscore"),
    "a decimal comma": (TRIANGLE.replace("1 0 0", "1,5 0 0"), "a coordinate is not a number"),
    "not a number": (TRIANGLE.replace("1 0 0", "nan 0 0"), "not a finite number"),
    "infinite": (TRIANGLE.replace("1 0 0", "inf 0 0"), "not a finite number"),
    "too large for float32": (TRIANGLE.replace("1 0 0", "1e39 0 0"), "not a finite number"),
    "an index too large": (TRIANGLE.replace("3 0 1 2", "3 0 1 3"), "names vertex 3, but .* numbered 0 to 2"),
    "a negative index": (TRIANGLE.replace("3 0 1 2", "3 0 1 -1"), "names vertex -1"),
    "an index too large in a quad": (CUBE.replace("4 3 0 4 7", "4 3 0 4 8"), "names vertex 8"),
    "an index that isn't whole": (TRIANGLE.replace("3 0 1 2", "3 0 1 1.5"), "not of whole numbers: 3 0 1 1.5"),
    "an index beyond 64 bits": (TRIANGLE.replace("3 0 1 2", f"3 0 1 {10**30}"), "names vertex 9223372036854775807"),
    "a face of fewer than it says": (TRIANGLE.replace("3 0 1 2", "4 0 1 2"), "doesn't hold what it says: 4 0 1 2"),
    "a face of none": (TRIANGLE.replace("3 0 1 2", "0"), "doesn't hold what it says: 0"),
    "a negative face": (TRIANGLE.replace("3 0 1 2", "-3 0 1 2"), "doesn't hold what it says: -3"),
    "no extent": ("OFF\n3 1 0\n1 1 1\n1 1 1\n1 1 1\n3 0 1 2\n", "all its vertices coincide"),
}


def mesh_of(folder, content, name="mesh.off"):
    (folder / name).write_bytes(
        content if isinstance(content, bytes) else content.encode("latin-1" if "\x89" in content else "utf-8")
    )
    return read_mesh(folder / name)


@pytest.mark.parametrize("content", CUBES.values(), ids=CUBES)
def test_a_cube_in_every_dialect(tmp_path, content):
    assert voxelize(mesh_of(tmp_path, content), Grid(16, padding=0)).sum() == 16**3 - 14**3


@pytest.mark.parametrize("content, fact", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_named_with_fact_and_remedy(tmp_path, content, fact):
    with pytest.raises(InputError, match=fact) as error:
        mesh_of(tmp_path, content)
    assert str(error.value).startswith(f"{tmp_path}/mesh.off: ")
    assert str(error.value).endswith("; repair or remove it, or set `on_bad_mesh: skip`") and "\n" not in str(error.value)


@pytest.mark.parametrize("offset", [0, 1e5, 5e6])
def test_a_cube_far_from_the_origin_keeps_its_shape(tmp_path, offset):
    """As in a map's coordinates; float32 would know only half metres there."""
    vertices = [" ".join(f"{float(x) + offset:.3f}" for x in line.split()) for line in VERTICES]
    assert (
        voxelize(mesh_of(tmp_path, "\n".join(["OFF", "8 6 0", *vertices, *FACES])), Grid(16, padding=0)).sum()
        == 16**3 - 14**3
    )


@pytest.mark.parametrize(
    "content, occupied",
    [
        (TRIANGLE, 16 * 17 // 2 + 5),  # its longest side meets corners of 15 more cells, of 5 of them after rounding
        (TRIANGLE.replace("0 1 0", "2 0 0"), 2 * 16),  # only a line, on the boundary of two rows
        (L_SHAPE, 16 * 16 - 7 * 7),
    ],
    ids=["a single triangle", "a triangle without area", "a face that isn't convex"],
)
def test_flat_objects_lie_in_the_two_middle_layers(tmp_path, content, occupied):
    occupancy = voxelize(mesh_of(tmp_path, content), Grid(16, padding=0))[0]
    assert occupancy[:, :, 7].sum() == occupancy[:, :, 8].sum() == occupied == occupancy.sum() / 2


def test_a_missing_mesh_is_named(tmp_path):
    with pytest.raises(InputError, match="absent.off: no such mesh"):
        read_mesh(tmp_path / "absent.off")


def test_a_million_triangles(tmp_path):
    tiny = "0.01 0 0\n0 0.01 0\n" + "3 0 3 4\n" * (10**6 - 1)
    mesh = mesh_of(tmp_path, TRIANGLE.replace("3 1 0", f"5 {10**6} 0").replace("3 0 1 2\n", tiny + "3 0 1 2\n"))
    assert len(mesh.triangles) == 10**6
    assert np.array_equal(voxelize(mesh, Grid(32, padding=0)), voxelize(mesh_of(tmp_path, TRIANGLE), Grid(32, padding=0)))


@given(st.integers(3, 12), st.integers(0, 2**32 - 1))
def test_polygons_keep_their_area(size, seed):
    """A star with the centre in sight, in a random plane: the triangles' areas add up to the polygon's."""
    rng = np.random.default_rng(seed)
    radius = rng.uniform(0.1, 1, size)
    angles = 2 * np.pi * (np.arange(size) + rng.uniform(-0.2, 0.2, size)) / size
    flat = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    area = abs(np.cross(np.pad(flat, ((0, 0), (0, 1))), np.roll(np.pad(flat, ((0, 0), (0, 1))), -1, axis=0)).sum()) / 2
    vertices = flat @ np.linalg.qr(rng.normal(size=(3, 3)))[0][:2]
    a, b, c = np.moveaxis(vertices[triangulate(vertices, np.array([size]), np.arange(size))], 1, 0)
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2 == pytest.approx(area)


def surface_of(occupancy):
    """Squares around the occupied cells, a thousandth inside, so that none touches a neighbour: (vertices, faces)."""
    squares = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for side in (0, 1):
            for cell in np.argwhere(occupancy):
                beyond = cell + (2 * side - 1) * np.eye(3, dtype=int)[axis]
                if (0 <= beyond).all() and (beyond < occupancy.shape).all() and occupancy[tuple(beyond)]:
                    continue
                corners = np.tile(cell + 0.5, (4, 1))
                corners[:, axis] += 0.499 * (2 * side - 1)
                corners[:, u] += np.array([-0.499, 0.499, 0.499, -0.499])
                corners[:, v] += np.array([-0.499, -0.499, 0.499, 0.499])
                squares.append(corners)
    return np.concatenate(squares), np.arange(4 * len(squares)).reshape(-1, 4).tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 12), st.floats(0.02, 0.7), st.integers(0, 2**32 - 1))
def test_any_grid_comes_back_from_its_mesh(tmp_path_factory, resolution, share, seed):
    """Occupancy -> .off -> voxels, where the object reaches two opposite sides, so that it fills the grid as it did.

    What lies hidden inside has no surface, so the grid comes back without it; with its own inside, `solid` fills it.
    """
    occupancy = np.random.default_rng(seed).random((resolution,) * 3) < share
    occupancy[0, 0, 0] = occupancy[-1, -1, -1] = True
    path = tmp_path_factory.getbasetemp() / "grid.off"
    write_off(path, *surface_of(occupancy))
    padded = np.pad(occupancy, 1)
    open_to = [np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1] for axis in range(3) for step in (-1, 1)]
    shell = occupancy & ~np.logical_and.reduce(open_to)
    found = voxelize(read_mesh(path), Grid(resolution, padding=0))[0]
    assert np.array_equal(found, shell)
    solid = voxelize(read_mesh(path), Grid(resolution, occupancy="solid", padding=0))[0]
    assert (solid >= occupancy).all() and (solid >= found).all()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_meshes_never_crash(tmp_path_factory, data):
    """Any damage to a mesh ends in voxels or in one sentence; `benchmarks/fuzz_meshes.py` does this for minutes."""
    content = bytearray(data.draw(st.sampled_from([CUBE, TRIANGLE, L_SHAPE, CUBES["COFF"]])).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 5))] = data.draw(
            st.one_of(
                st.binary(max_size=4), st.sampled_from([b"-", b"9", b" ", b"\n", b"#", b"nan", b"1e309", b"OFF", b"."])
            )
        )
    path = tmp_path_factory.getbasetemp() / "damaged.off"
    path.write_bytes(content)
    try:
        mesh = read_mesh(path)
    except InputError:
        return
    assert voxelize(mesh, Grid(8, padding=0)).any()
