"""The NumPy voxelizer finds the cells of the compiled one, bit by bit, in any grid."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from voxprune.core.errors import InputError
from voxprune.datasets.furniture import make
from voxprune.datasets.furniture_classes import MAKERS
from voxprune.deploy import numpy_voxels
from voxprune.deploy.classifier import CONVENTIONS, OCCUPANCIES, UPS
from voxprune.meshes.read import Mesh, read_mesh, write_off
from voxprune.settings.voxels import Grid
from voxprune.voxels import voxelize

GRIDS = st.builds(
    Grid, st.integers(5, 40), st.sampled_from(CONVENTIONS), st.sampled_from(OCCUPANCIES), st.integers(0, 2),
    st.sampled_from(["fit", 7.5]), st.just(1), st.sampled_from(UPS),
)  # fmt: skip
COORDINATES = st.one_of(st.integers(-3, 3).map(float), st.floats(-3, 3, width=32), st.floats(-3, 3))
POINTS = st.lists(st.tuples(COORDINATES, COORDINATES, COORDINATES), min_size=3, max_size=12)


def outcome(voxelize, mesh, grid):
    """Cells as bytes, or that the mesh is refused."""
    try:
        return voxelize(mesh, grid).reshape((grid.resolution,) * 3).tobytes()
    except InputError:
        return "refused"


def assert_same_cells(mesh, grid):
    assert outcome(numpy_voxels.voxelize, mesh, grid) == outcome(voxelize.voxelize, mesh, grid)


@settings(max_examples=150, deadline=None)
@given(POINTS, st.integers(0, 2**32 - 1), GRIDS)
def test_cells_are_those_of_the_compiled_voxelizer(points, seed, grid):
    """Whole and half coordinates too, whose faces lie exactly between cells."""
    triangles = np.random.default_rng(seed).integers(0, len(points), (9, 3))
    assert_same_cells(Mesh(np.array(points), triangles), grid)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-30, 30), st.floats(-6, 6), GRIDS)
def test_size_and_place_change_nothing_of_that(seed, exponent, offset, grid):
    rng = np.random.default_rng(seed)
    mesh = Mesh((rng.normal(size=(30, 3)) + 10**offset) * 10**exponent, rng.integers(0, 30, (40, 3)))
    assert_same_cells(mesh, replace(grid, scale="fit"))


@pytest.mark.parametrize("exponent", [-322, -308, 300, 307])
def test_numbers_at_the_end_of_their_range(exponent):
    rng = np.random.default_rng(0)
    mesh = Mesh(rng.normal(size=(9, 3)) * 10.0**exponent, rng.integers(0, 9, (9, 3)))
    for convention in CONVENTIONS:
        assert_same_cells(mesh, Grid(9, convention))


@pytest.mark.parametrize("name", MAKERS)
def test_furniture(name, tmp_path):
    write_off(tmp_path / "mesh.off", *make(name, 0, 0))
    mesh = read_mesh(tmp_path / "mesh.off")
    for grid in (Grid(32, padding=1), Grid(100, "corner"), Grid(24, occupancy="solid", up="y")):
        assert_same_cells(mesh, grid)


def test_a_large_triangle_is_tested_in_parts(cube, monkeypatch):
    monkeypatch.setattr(numpy_voxels, "AT_ONCE", 7)
    assert_same_cells(read_mesh(cube), Grid(16))


def test_an_object_beyond_the_scale_is_named(cube):
    with pytest.raises(
        InputError, match=re.escape("its longest side is 1, more than voxels.scale 0.5; raise that, or make it smaller")
    ):
        numpy_voxels.voxelize(read_mesh(cube), Grid(16, scale=0.5))
