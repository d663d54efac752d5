"""Voxels: exact where geometry is exact, packed without loss, bad meshes listed."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CUBE
from voxprune import voxels
from voxprune.files import InputError
from voxprune.meshes import open3d, read_mesh
from voxprune.voxels import grid_name, pack, unpack, voxelize, voxelize_folder


@given(st.integers(1, 20), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_unpacking_gives_back_what_was_packed(resolution, count, seed):
    grids = np.random.default_rng(seed).random((count, *(resolution,) * 3)) < 0.5
    packed = pack(grids)
    assert packed.shape == (count, resolution, resolution, -(-resolution // 8)) and packed.dtype == np.uint8
    assert np.array_equal(unpack(packed, resolution), grids)


@pytest.mark.parametrize("resolution, padding", [(16, 0), (16, 2), (33, 1)])
def test_the_surface_of_a_cube(cube, resolution, padding):
    occupancy = voxelize(read_mesh(cube), resolution, "centred", padding)
    side = resolution - 2 * padding
    assert occupancy.sum() == side**3 - (side - 2) ** 3
    assert occupancy[padding : padding + side].any(axis=(1, 2)).all()
    assert not occupancy[:padding].any() and not occupancy[padding + side :].any()


def test_the_corner_convention_is_the_studys(cube):
    """Indices run to 100 and are clipped onto 99, so a cube keeps all its faces in a grid of 100."""
    occupancy = voxelize(read_mesh(cube), 100, "corner")
    assert occupancy.sum() == 100**3 - 98**3


def test_a_shorter_axis_is_centred_or_in_the_corner(cube):
    cube.write_text(CUBE.replace("0 0 1\n1 0 1\n1 1 1\n0 1 1", "0 0 .5\n1 0 .5\n1 1 .5\n0 1 .5"))
    mesh = read_mesh(cube)
    assert np.flatnonzero(voxelize(mesh, 16).any(axis=(0, 1))).tolist() == list(range(4, 12))
    assert np.flatnonzero(voxelize(mesh, 16, "corner").any(axis=(0, 1))).tolist() == list(range(0, 9))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1000))
def test_turning_by_90_degrees_commutes(seed, size):
    rng = np.random.default_rng(seed)
    mesh = open3d().geometry.TriangleMesh()
    vertices = rng.normal(size=(12, 3)) * size
    mesh.vertices = open3d().utility.Vector3dVector(vertices)
    mesh.triangles = open3d().utility.Vector3iVector(rng.integers(0, 12, (8, 3)))
    turned = open3d().geometry.TriangleMesh(mesh)
    turned.vertices = open3d().utility.Vector3dVector(vertices[:, [1, 0, 2]] * (-1, 1, 1))
    assert np.array_equal(voxelize(turned, 16), np.rot90(voxelize(mesh, 16), axes=(0, 1)))


def test_size_unit_and_position_do_not_matter(cube):
    before = voxelize(read_mesh(cube), 16)
    mesh = read_mesh(cube).scale(123.0, (0, 0, 0)).translate((-5, 1000, 3))
    assert np.array_equal(voxelize(mesh, 16), before)


def test_cells_are_those_of_get_voxels(cube):
    grid = open3d().geometry.VoxelGrid.create_from_triangle_mesh(read_mesh(cube), voxel_size=0.07)
    expected = {tuple(voxel.grid_index) for voxel in grid.get_voxels()}
    assert set(map(tuple, voxels._occupied_cells(grid))) == expected


def test_a_folder_becomes_a_shard_and_a_table(cube, tmp_path):
    (tmp_path / "another.off").write_text(CUBE)
    voxelize_folder(tmp_path, tmp_path / "x.npy", tmp_path / "x.csv", 16, "centred", 0)
    assert np.load(tmp_path / "x.npy").shape == (2, 16, 16, 2)
    rows = list(csv.DictReader((tmp_path / "x.csv").open()))
    assert [row["file"] for row in rows] == ["another.off", "cube.off"]
    assert rows[0] == {"file": "another.off", "vertices": "8", "triangles": "12", "occupied_voxels": "1352",
                       "status": "ok", "reason": ""}  # fmt: skip


def test_a_bad_mesh_stops_or_is_listed(cube, tmp_path):
    (tmp_path / "bad.off").write_text("OFF\n0 0 0\n")
    target = tmp_path / "x.npy", tmp_path / "x.csv", 16, "centred", 0
    with pytest.raises(InputError, match="bad.off: .*no faces"):
        voxelize_folder(tmp_path, *target)
    assert not (tmp_path / "x.npy").exists()
    voxelize_folder(tmp_path, *target, on_bad_mesh="skip")
    assert len(np.load(tmp_path / "x.npy")) == 1
    skipped = [row for row in csv.DictReader((tmp_path / "x.csv").open()) if row["status"] == "skipped"]
    assert [row["file"] for row in skipped] == ["bad.off"] and "no faces" in skipped[0]["reason"]


def test_grids_are_named_by_their_settings():
    assert grid_name(32, "centred", 1) == "32-centred-surface-padding1"
    assert grid_name(100, "corner", 1) == "100-corner-surface"
