"""Open3D as the original study used it: the same cells as ours on good meshes, one sentence on those that it crashes on."""

import re
import time

import numpy as np
import psutil
import pytest

from conftest import CUBE, ROOT
from voxprune.core.errors import InputError
from voxprune.meshes.read import read_mesh, write_off
from voxprune.settings.voxels import Grid
from voxprune.voxels import open3d_reference
from voxprune.voxels.open3d_reference import open3d_version, open3d_voxelizer
from voxprune.voxels.voxelize import voxelize, voxelize_meshes

CRASHING = CUBE.replace("4 3 0 4 7", "4 3 0 4 2000000000")  # a quad, which Open3D cuts in two before it checks its corners


@pytest.fixture(scope="module")
def study():
    try:
        with open3d_voxelizer() as voxelize_as_the_study:
            yield voxelize_as_the_study
    except InputError as error:
        pytest.skip(str(error))


def children():
    return psutil.Process().children(recursive=True)


def random_mesh(path, seed):
    """Triangles anywhere, of a size that changes with the seed; in .obj and .stl too."""
    rng = np.random.default_rng(seed)
    vertices, faces = rng.normal(size=(12, 3)) * 10.0 ** (seed - 5), rng.integers(0, 12, (8, 3))
    if path.suffix == ".off":
        write_off(path, vertices, faces.tolist())
    elif path.suffix == ".obj":
        lines = ["v %.6g %.6g %.6g" % tuple(vertex) for vertex in vertices] + [
            "f %d %d %d" % tuple(face + 1) for face in faces
        ]
        path.write_text("\n".join(lines))
    else:
        rows = [np.array([[0, 0, 0], *vertices[face]], dtype="<f4").tobytes() + b"\0\0" for face in faces]
        path.write_bytes(bytes(80) + len(faces).to_bytes(4, "little") + b"".join(rows))
    return path


@pytest.mark.parametrize("ending", [".off", ".obj", ".stl"])
@pytest.mark.parametrize("seed", range(8))
def test_cells_are_ours_on_meshes_that_both_read(study, tmp_path, seed, ending):
    path = random_mesh(tmp_path / f"mesh{ending}", seed)
    for resolution in (16, 50, 100):
        found = study(path, resolution)
        assert np.array_equal(found.occupancy, voxelize(read_mesh(path), Grid(resolution, "corner", padding=0)))
        assert found.triangles == 8 and 8 < found.vertices <= 12  # Open3D drops unused ones of .obj and .stl


def test_a_cube_is_the_studys(study, cube):
    occupancy, vertices, triangles = study(cube, 100)
    assert occupancy.shape == (1, 100, 100, 100) and occupancy.sum() == 100**3 - 98**3 and (vertices, triangles) == (8, 12)


def test_a_vertex_of_no_face_counts_as_in_the_study(study, tmp_path):
    path = tmp_path / "far.off"
    path.write_text(CUBE.replace("8 6 0", "9 6 0").replace("0 1 1\n4", "0 1 1\n10 10 10\n4"))
    assert np.array_equal(study(path, 16).occupancy, voxelize(read_mesh(path), Grid(16, "corner", padding=0)))


def test_one_child_voxelizes_all_meshes(cube):
    with open3d_voxelizer() as voxelize_as_the_study:
        before = [child.pid for child in children()]
        for resolution in (8, 16, 32):
            voxelize_as_the_study(cube, resolution)
        assert [child.pid for child in children()] == before


def test_a_mesh_that_open3d_crashes_on_is_named_and_the_next_is_voxelized(study, cube, tmp_path):
    (tmp_path / "crashing.off").write_text(CRASHING)
    for _ in range(2):
        with pytest.raises(
            InputError, match=r"crashing.off: Open3D crashes on it \(signal 11\); repair or remove it, or set"
        ):
            study(tmp_path / "crashing.off", 16)
        assert study(cube, 16).occupancy.sum() == 16**3 - 14**3


@pytest.mark.parametrize("content, fact", [
    ("", "Open3D finds no triangles in it"),
    (CUBE.replace("OFF\n8", "OFF8"), "Open3D finds no triangles in it"),  # as glued in ModelNet40
    ("OFF\n3 1 0\n1 1 1\n1 1 1\n1 1 1\n3 0 1 2\n", "its longest side is 0, as Open3D reads it"),
    ("OFF\n3 1 0\n1 1 1\n1 nan 1\n1 1 2\n3 0 1 2\n", "Open3D finds no triangles in it"),
    ("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n", "a face names a vertex that isn't there"),
])  # fmt: skip
def test_what_open3d_cannot_voxelize_is_named(study, tmp_path, content, fact):
    (tmp_path / "bad.off").write_text(content)
    with pytest.raises(InputError, match=f"bad.off: {fact}; repair or remove it, or set `on_bad_mesh: skip`$"):
        study(tmp_path / "bad.off", 16)


def test_a_child_that_takes_too_long_is_ended_and_its_mesh_named(study, cube):
    with open3d_voxelizer(most_seconds=0) as voxelize_as_the_study:
        with pytest.raises(InputError, match="cube.off: Open3D doesn't come to an end with it within 0 seconds"):
            voxelize_as_the_study(cube, 400)


def test_no_child_is_left_behind(study, cube):
    before = {child.pid for child in children()}
    with open3d_voxelizer() as voxelize_as_the_study:
        voxelize_as_the_study(cube, 16)
        assert len(children()) == len(before) + 1
    deadline = time.monotonic() + 10
    while {child.pid for child in children()} != before:
        assert time.monotonic() < deadline


def test_open3d_is_not_needed_by_anything_else():
    """Nor is it imported where its place is taken by nothing: `make run` works without."""
    for path in (ROOT / "scripts").rglob("*.py"):
        assert path.name == "open3d_reference.py" or not re.search(r"import open3d$", path.read_text(), re.MULTILINE)


def test_without_open3d_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(open3d_reference, "_serve", serve_nothing)
    with pytest.raises(InputError, match="Open3D can't be used: no module; install it .pip install -r envs/open3d.txt"):
        with open3d_voxelizer():
            pass


def serve_nothing(connection):
    connection.send("no module")


def test_the_version_is_that_of_the_package_that_is_installed(study):
    assert open3d_version()[0].isdigit()


def test_a_data_set_is_voxelized_by_open3d_as_by_ourselves(study, tmp_path):
    """Shard and table are the same; a mesh on which Open3D crashes is one sentence."""
    meshes = [random_mesh(tmp_path / f"{seed}.off", seed) for seed in range(3)]
    (tmp_path / "crashing.off").write_text(CRASHING)
    made = {}
    for library in ("voxprune", "open3d"):
        grid = Grid(16, "corner", library=library)
        voxelize_meshes(meshes, tmp_path / f"{library}.npy", tmp_path / f"{library}.csv", tmp_path / library, grid)
        made[library] = np.load(tmp_path / f"{library}.npy")
        with pytest.raises(InputError, match="crashing.off: "):
            voxelize_meshes([tmp_path / "crashing.off"], tmp_path / "x.npy", tmp_path / "x.csv", tmp_path / "x", grid)
    assert np.array_equal(*made.values()) and Grid(16, "corner", library="open3d").name == "16-corner-surface-open3d"
