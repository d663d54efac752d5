"""Voxels: exact where geometry is exact, the cells that Open3D finds, kept between runs, packed without loss."""

import csv
import ctypes
import importlib.metadata
import subprocess
import sys
import tracemalloc

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_fill_holes

from conftest import CUBE, ROOT, wait_for
from voxprune.core.errors import InputError
from voxprune.datasets.folders import find_meshes
from voxprune.meshes.read import Mesh, read_mesh
from voxprune.settings.voxels import Grid
from voxprune.voxels import voxelize as module
from voxprune.voxels.placement import hidden_cells
from voxprune.voxels.voxelize import pack, unpack, voxelize, voxelize_meshes


@given(st.integers(1, 20), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_unpacking_gives_back_what_was_packed(resolution, count, seed):
    grids = np.random.default_rng(seed).random((count, *(resolution,) * 3)) < 0.5
    packed = pack(grids)
    assert packed.shape == (count, resolution, resolution, -(-resolution // 8)) and packed.dtype == np.uint8
    assert np.array_equal(unpack(packed, resolution), grids)


@pytest.mark.parametrize("resolution, padding", [(16, 0), (16, 2), (33, 1), (128, 3)])
@pytest.mark.parametrize("occupancy", ["surface", "solid"])
def test_a_cube(cube, resolution, padding, occupancy):
    found = voxelize(read_mesh(cube), Grid(resolution, "centred", occupancy, padding))[0]
    side = resolution - 2 * padding
    assert found.sum() == side**3 - (side - 2) ** 3 * (occupancy == "surface")
    assert found[padding : padding + side].any(axis=(1, 2)).all()
    assert not found[:padding].any() and not found[padding + side :].any()


def test_the_corner_convention_is_the_studys(cube):
    """Indices run to 100 and are clipped onto 99, so a cube keeps all its faces in a grid of 100."""
    assert voxelize(read_mesh(cube), Grid(100, "corner", padding=0)).sum() == 100**3 - 98**3


def test_a_shorter_axis_is_centred_or_in_the_corner(cube):
    cube.write_text(CUBE.replace("0 0 1\n1 0 1\n1 1 1\n0 1 1", "0 0 .5\n1 0 .5\n1 1 .5\n0 1 .5"))
    mesh = read_mesh(cube)
    assert np.flatnonzero(voxelize(mesh, Grid(16, padding=0))[0].any(axis=(0, 1))).tolist() == list(range(4, 12))
    assert np.flatnonzero(voxelize(mesh, Grid(16, "corner", padding=0))[0].any(axis=(0, 1))).tolist() == list(range(0, 9))


def random_mesh(seed, size=1.0):
    rng = np.random.default_rng(seed)
    return Mesh(rng.normal(size=(12, 3)) * size, rng.integers(0, 12, (8, 3)))


@pytest.fixture(scope="session")
def open3d():
    libusb_package = pytest.importorskip("libusb_package")
    ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
    return pytest.importorskip("open3d", exc_type=ImportError)  # a system library may lack


@pytest.mark.parametrize("resolution", [7, 16, 50])
@pytest.mark.parametrize("seed", range(12))
def test_cells_are_those_of_open3d(open3d, seed, resolution):
    mesh = random_mesh(seed, size=10.0**seed)
    other = open3d.geometry.TriangleMesh(
        open3d.utility.Vector3dVector(mesh.vertices / np.ptp(mesh.vertices, axis=0).max()),
        open3d.utility.Vector3iVector(mesh.triangles),
    )
    grid = open3d.geometry.VoxelGrid.create_from_triangle_mesh(other, voxel_size=1 / resolution)
    cells = np.minimum([voxel.grid_index for voxel in grid.get_voxels()], resolution - 1)
    expected = np.zeros((resolution,) * 3, dtype=bool)
    expected[tuple(cells.T)] = True
    assert np.array_equal(voxelize(mesh, Grid(resolution, "corner", padding=0))[0], expected)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1000))
def test_turning_by_90_degrees_commutes(seed, size):
    mesh = random_mesh(seed, size)
    turned = Mesh(mesh.vertices[:, [1, 0, 2]] * (-1, 1, 1), mesh.triangles)
    assert np.array_equal(
        voxelize(turned, Grid(16, padding=0))[0], np.rot90(voxelize(mesh, Grid(16, padding=0))[0], axes=(0, 1))
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 4, 12]))
def test_views_are_the_mesh_turned_about_the_up_axis(seed, views):
    mesh = random_mesh(seed)
    found = voxelize(mesh, Grid(16, views=views, padding=0))
    assert len(found) == views and np.array_equal(found[0], voxelize(mesh, Grid(16, padding=0))[0])
    for step in range(0, views, max(1, views // 4)) if views % 4 == 0 else ():
        quarter = np.rot90(found[0], 4 * step // views, axes=(0, 1))
        assert (found[step] != quarter).mean() < 0.005  # rounding may move a boundary
    assert not found[:, :, :, :0].any()


@pytest.mark.parametrize("up, order, mirrored", [("y", (0, 2, 1), 1), ("x", (2, 1, 0), 0)])
def test_the_axis_that_points_up_becomes_z_without_mirroring(up, order, mirrored):
    mesh = random_mesh(5)
    found = voxelize(mesh, Grid(16, up=up, padding=0))[0]
    assert np.array_equal(found, np.flip(voxelize(mesh, Grid(16, padding=0))[0].transpose(order), axis=mirrored))


def test_a_scale_keeps_sizes(cube):
    mesh = read_mesh(cube)
    small = Mesh(mesh.vertices / 2, mesh.triangles)
    assert voxelize(mesh, Grid(16, occupancy="solid", scale=1.0, padding=0)).sum() == 16**3
    assert voxelize(small, Grid(16, occupancy="solid", scale=1.0, padding=0)).sum() == 8**3
    assert voxelize(small, Grid(16, occupancy="solid", scale=2.0, padding=2)).sum() == 4**3  # 3 cells, across 4
    with pytest.raises(InputError, match="longest side is 1, more than voxels.scale 0.5"):
        voxelize(mesh, Grid(16, scale=0.5, padding=0))


@pytest.mark.parametrize("size", [1e-322, 1e308])
def test_no_grid_is_silently_empty(cube, size):
    mesh = read_mesh(cube)
    for convention in ("centred", "corner"):
        try:
            assert voxelize(Mesh(mesh.vertices * size, mesh.triangles), Grid(8, convention, padding=0)).any()
        except InputError as error:
            assert "too small or too large to compute with; give it in another unit, " in str(error)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.5))
def test_solid_fills_what_is_closed_and_nothing_that_a_ray_reaches(seed, share):
    surface = np.random.default_rng(seed).random((1, 9, 9, 9)) < share
    solid = surface | hidden_cells(surface)
    assert (solid[0] >= binary_fill_holes(surface[0])).all()
    for axis in (1, 2, 3):
        for occupancy in (surface, np.flip(surface, axis)):
            first = occupancy.argmax(axis=axis, keepdims=True)  # of each ray; 0 where it meets nothing
            place = np.arange(9).reshape([-1 if i == axis else 1 for i in range(4)])
            reached = (place < first) | ~occupancy.any(axis=axis, keepdims=True)
            assert not (reached & (solid if occupancy is surface else np.flip(solid, axis))).any()


def test_solid_stands_a_gap_and_an_inner_wall(tmp_path):
    surface = voxelize(Mesh(*_box()), Grid(16, padding=0))
    surface[0, 5, 5, 15] = False  # a hole of one cell in the lid
    surface[0, 8, :, :] = True
    assert (surface | hidden_cells(surface)).sum() == 16**3 - 15  # but for the shaft below the hole, down to the floor
    assert not binary_fill_holes(surface[0])[3, 3, 3]


def _box():
    lines = CUBE.split("\n")
    vertices = np.array([line.split() for line in lines[2:10]], dtype=float)
    quads = np.array([line.split()[1:] for line in lines[10:16]], dtype=int)
    return vertices, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def test_size_unit_and_position_do_not_matter(cube):
    mesh = read_mesh(cube)
    moved = Mesh(mesh.vertices * 123 + (-5, 1000, 3), mesh.triangles)
    for convention in ("centred", "corner"):
        assert np.array_equal(
            voxelize(moved, Grid(16, convention, padding=0)), voxelize(mesh, Grid(16, convention, padding=0))
        )


# ---- shards --------------------------------------------------------------------------------------------------------


@pytest.fixture
def meshes(cube, tmp_path):
    (tmp_path / "another.off").write_text(CUBE.replace("1 1 1", "1 1 2"))
    return sorted(tmp_path.glob("*.off"))


PLAIN = Grid(16, padding=0)


def make_shard(meshes, folder, grid=PLAIN, **more):
    voxelize_meshes(meshes, folder / "x.npy", folder / "x.csv", folder / "cache", grid, **more)
    return (folder / "x.npy").read_bytes(), list(csv.DictReader((folder / "x.csv").open()))


def test_meshes_become_a_shard_and_a_table(meshes, tmp_path):
    _, rows = make_shard(meshes, tmp_path)
    shard = np.load(tmp_path / "x.npy")
    assert np.array_equal(shard, np.concatenate([pack(voxelize(read_mesh(path), Grid(16, padding=0))) for path in meshes]))
    assert [row["file"] for row in rows] == ["another.off", "cube.off"]
    assert rows[1] == {"file": "cube.off", "vertices": "8", "triangles": "12", "occupied_voxels": "1352",
                       "status": "ok", "reason": ""}  # fmt: skip
    np.save(tmp_path / "same.npy", shard)
    assert (tmp_path / "same.npy").read_bytes() == (tmp_path / "x.npy").read_bytes()


def test_views_of_a_mesh_lie_beside_each_other(meshes, tmp_path):
    make_shard(meshes, tmp_path, Grid(16, views=3, padding=0))
    assert np.array_equal(
        np.load(tmp_path / "x.npy")[3:], pack(voxelize(read_mesh(meshes[1]), Grid(16, views=3, padding=0)))
    )


def test_a_bad_mesh_stops_or_is_listed(meshes, tmp_path):
    (tmp_path / "bad.off").write_text("OFF\n0 0 0\n")
    meshes.insert(1, tmp_path / "bad.off")
    with pytest.raises(InputError, match="bad.off: .*no surface"):
        make_shard(meshes, tmp_path)
    assert not (tmp_path / "x.npy").exists()
    _, rows = make_shard(meshes, tmp_path, on_bad_mesh="skip")
    assert len(np.load(tmp_path / "x.npy")) == 2
    assert [row["file"] for row in rows if row["status"] == "skipped"] == ["bad.off"] and "no surface" in rows[1]["reason"]
    with pytest.raises(InputError, match="none of its meshes could be voxelized"):
        make_shard([tmp_path / "bad.off"], tmp_path, on_bad_mesh="skip")


def test_all_bad_meshes_of_a_class_are_named_at_once(meshes, tmp_path):
    """The first ten by name, then a count: mending one a run would take a day."""
    for number in range(2):
        (tmp_path / f"bad{number:02}.off").write_text("")
    bad = sorted(tmp_path.glob("bad*.off"))
    with pytest.raises(InputError) as error:
        make_shard(meshes + bad, tmp_path)
    facts = "bad00.off (it is empty), bad01.off (it is empty)"
    remedy = "repair or remove them, or set `on_bad_mesh: skip`"
    assert str(error.value) == f"{tmp_path}: 2 of 4 meshes are bad: {facts}; {remedy}"
    for number in range(13):
        (tmp_path / f"bad{number:02}.off").write_text("")
    messages = []
    with pytest.raises(
        InputError, match="13 of 15 meshes are bad: bad00.off .*bad09.off .it is empty., and 3 more, named in"
    ):
        make_shard(meshes + sorted(tmp_path.glob("bad*.off")), tmp_path, progress=messages.append)
    assert len(messages) == 13 and messages[12].startswith(f"bad: {tmp_path}/bad12.off: it is empty")
    assert not (tmp_path / "x.npy").exists() and len(list((tmp_path / "cache").iterdir())) == 2  # the good ones are done


@pytest.mark.parametrize("name", ["a.step", "a.STP", "a.fbx", "a.3ds", "a.dae", "a.iges", "a.blend", "a.usdz", "a.stl.gz"])
def test_a_shape_that_cannot_be_read_is_not_left_out_without_a_word(meshes, tmp_path, name):
    (tmp_path / name).write_bytes(b"ISO-10303-21;")
    found = find_meshes(tmp_path)
    assert [path.name for path in found] == [name, "another.off", "cube.off"]
    with pytest.raises(InputError, match=f"{name}: its format, .*, can't be read; convert it to one of .gltf"):
        make_shard(found, tmp_path)
    _, rows = make_shard(found, tmp_path, on_bad_mesh="skip")
    assert [row["status"] for row in rows] == ["skipped", "ok", "ok"] and "can't be read" in rows[0]["reason"]


def test_an_object_beyond_the_scale_is_named(meshes, tmp_path):
    with pytest.raises(InputError, match="another.off: its longest side is 2, more than voxels.scale 1.5"):
        make_shard(meshes, tmp_path, Grid(16, scale=1.5, padding=0))


def test_only_what_changed_is_voxelized_again(meshes, tmp_path, monkeypatch):
    before, _ = make_shard(meshes, tmp_path)
    done = []
    monkeypatch.setattr(module, "voxelize", lambda mesh, grid: done.append(mesh) or voxelize(mesh, grid))
    assert make_shard(meshes, tmp_path)[0] == before and not done
    meshes[0].write_text(CUBE)
    after, _ = make_shard(meshes, tmp_path)
    assert after != before and not done  # the same content as the other: known already
    assert len(list((tmp_path / "cache").iterdir())) == 1
    make_shard(meshes, tmp_path, Grid(16, occupancy="solid", padding=0))
    assert len(done) == 1 and len(list((tmp_path / "cache").iterdir())) == 1


def test_a_damaged_memory_does_not_count(meshes, tmp_path):
    """Cut short or with any one bit flipped, what is kept is as it was or not there."""
    make_shard(meshes[:1], tmp_path, Grid(4, padding=0))
    [path] = (tmp_path / "cache").iterdir()
    content = path.read_bytes()
    packed, counts = module._read_cache(tmp_path / "cache", path.stem)
    flipped = [
        content[:i] + bytes([content[i] ^ 1 << bit]) + content[i + 1 :] for i in range(len(content)) for bit in range(8)
    ]
    for damaged in [b"", b"PK", content[:-1], *flipped]:
        path.write_bytes(damaged)
        found = module._read_cache(tmp_path / "cache", path.stem)
        assert found is None or np.array_equal(found[0], packed) and np.array_equal(found[1], counts)
    assert not module._read_cache(tmp_path / "cache", "never kept")
    path.write_bytes(b"PK")
    assert make_shard(meshes[:1], tmp_path, Grid(4, padding=0)) and path.read_bytes() == content


def test_other_code_counts_as_other_voxels(meshes, tmp_path, monkeypatch):
    make_shard(meshes, tmp_path)
    first = set((tmp_path / "cache").iterdir())
    monkeypatch.setattr("voxprune.voxels.voxelize.code_hash", lambda *_: "other")
    make_shard(meshes, tmp_path)
    assert len(first) == 2 and first.isdisjoint((tmp_path / "cache").iterdir())


def test_other_versions_and_another_format_count_as_other_voxels(meshes, tmp_path, monkeypatch):
    make_shard(meshes, tmp_path)
    first = set((tmp_path / "cache").iterdir())
    version = importlib.metadata.version
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0" if name == "numba" else version(name))
    make_shard(meshes, tmp_path)
    assert first.isdisjoint((tmp_path / "cache").iterdir())
    with pytest.raises(
        InputError, match="cube.stl: it is neither a binary STL nor a text"
    ):  # the same content, known as .off
        make_shard([meshes[1].rename(tmp_path / "cube.stl")], tmp_path)


def test_several_processes_give_the_same_shard(tmp_path):
    for number in range(70):
        (tmp_path / f"{number:02}.off").write_text(CUBE.replace("1 1 1", f"1 1 {1 + number / 10}"))
    meshes = sorted(tmp_path.glob("*.off"))
    alone, rows = make_shard(meshes, tmp_path / "alone")
    assert (alone, rows) == make_shard(meshes, tmp_path / "together", workers=2)
    (tmp_path / "40.off").write_text("")
    with pytest.raises(InputError, match="40.off: it is empty"):
        make_shard(meshes, tmp_path / "together", workers=2)


def test_memory_does_not_grow_with_the_number_of_meshes(cube, tmp_path):
    peaks, grid = [], Grid(64, padding=0)
    for count in (5, 200):
        tracemalloc.start()
        voxelize_meshes([cube] * count, tmp_path / "x.npy", tmp_path / "x.csv", tmp_path / "cache", grid)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert len(np.load(tmp_path / "x.npy", mmap_mode="r")) == 200
    assert peaks[1] - peaks[0] < (tmp_path / "x.npy").stat().st_size / 10


def test_a_killed_job_goes_on_and_leaves_nobody_behind(tmp_path):
    (tmp_path / "meshes").mkdir()
    for number in range(150):
        (tmp_path / f"meshes/{number:03}.off").write_text(CUBE.replace("1 1 1", f"1 1 {1 + number / 100}"))
    (tmp_path / "cache").mkdir()

    def start(folder, workers):
        options = {"meshes": tmp_path / "meshes", "shards": folder / "x.npy", "tables": folder / "x.csv",
                   "caches": folder / "cache", "resolution": 64, "workers": workers}  # fmt: skip
        words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
        return subprocess.Popen([sys.executable, ROOT / "scripts/voxelize.py", *words], stdout=subprocess.DEVNULL)

    job = start(tmp_path, 2)
    wait_for(lambda: len(list((tmp_path / "cache").glob("*.npz"))) > 10)
    family = psutil.Process(job.pid).children(recursive=True)
    job.kill()
    job.wait()
    wait_for(lambda: not any(process.is_running() for process in family))
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").glob("*.npz")}
    assert family and not (tmp_path / "x.npy").exists() and 10 < len(done) < 150
    assert start(tmp_path, 1).wait() == 0 and start(tmp_path / "whole", 1).wait() == 0
    assert all(path.stat().st_mtime_ns == date for path, date in done.items())
    for name in ("x.npy", "x.csv"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert len(list((tmp_path / "cache").iterdir())) == 150  # half-written files are gone


@pytest.mark.parametrize(
    "grid, name",
    [
        (Grid(32, padding=1), "32-centred-surface-padding1"),
        (Grid(100, "corner", padding=1), "100-corner-surface"),
        (Grid(32, "centred", "solid", 1), "32-centred-solid-padding1"),
        (Grid(64, "centred", "solid", 2, 2.5, 12, up="y"), "64-centred-solid-padding2-scale2.5-views12-upy"),
    ],
)
def test_grids_are_named_by_their_settings(grid, name):
    assert grid.name == name
