"""The embedded data set: ten classes, repeatable, varied, readable, with quads and with triangles only."""

import numpy as np
import pytest

from voxprune.datasets import furniture, furniture_classes
from voxprune.meshes.read import read_mesh
from voxprune.settings.voxels import Grid
from voxprune.voxels.voxelize import voxelize

CLASSES = ["bathtub", "bed", "chair", "desk", "dresser", "monitor", "night_stand", "sofa", "table", "toilet"]


def test_it_has_modelnet10s_classes():
    assert list(furniture_classes.MAKERS) == CLASSES


@pytest.mark.parametrize("name", CLASSES)
def test_every_object_is_valid_and_none_is_like_another(name):
    grids, quads = [], 0
    for number in range(1, 21):
        vertices, faces = furniture.make(name, number, seed=0)
        assert np.isfinite(vertices).all()
        assert {len(face) for face in faces} <= {3, 4} and max(map(max, faces)) < len(vertices)
        quads += any(len(face) == 4 for face in faces)
        grids.append(vertices.round(6).tobytes())
    assert len(set(grids)) == 20
    assert 0 < quads < 20


def test_the_same_seed_gives_the_same_files(tmp_path):
    for folder in ("a", "b"):
        furniture.generate("chair", tmp_path / folder, range(1, 4), seed=7)
    furniture.generate("chair", tmp_path / "c", range(1, 4), seed=8)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["chair_0001.off", "chair_0002.off", "chair_0003.off"]
    for name in files:
        same, other = (tmp_path / "a" / name).read_text(), (tmp_path / "c" / name).read_text()
        assert same == (tmp_path / "b" / name).read_text() and same != other


def test_an_object_does_not_depend_on_what_else_is_made(tmp_path):
    furniture.generate("desk", tmp_path / "few", [5], seed=0)
    furniture.generate("desk", tmp_path / "many", range(1, 10), seed=0)
    assert (tmp_path / "few/desk_0005.off").read_text() == (tmp_path / "many/desk_0005.off").read_text()


def test_stale_meshes_are_removed(tmp_path):
    furniture.generate("bed", tmp_path, range(1, 4), seed=0)
    furniture.generate("bed", tmp_path, range(1, 3), seed=0)
    assert len(list(tmp_path.glob("*.off"))) == 2


def test_they_voxelize(tmp_path):
    furniture.generate("toilet", tmp_path, [1], seed=0)
    occupied = voxelize(read_mesh(tmp_path / "toilet_0001.off"), Grid(32, padding=1)).sum()
    assert 300 < occupied < 8000
