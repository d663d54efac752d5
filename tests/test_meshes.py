"""Meshes in other formats, and as they are written."""

import json

import numpy as np
import pytest
import trimesh

from conftest import CUBE
from voxprune.files import InputError
from voxprune.grids import Grid
from voxprune.meshes import read_mesh, write_off
from voxprune.voxels import voxelize


def test_written_meshes_read_back(tmp_path):
    vertices = np.array([[0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 3, 0]])
    write_off(tmp_path / "sheet.off", vertices, [[0, 1, 2, 3]])
    mesh = read_mesh(tmp_path / "sheet.off")
    assert len(mesh.triangles) == 2 and np.array_equal(mesh.vertices, vertices)


@pytest.mark.parametrize("ending", [".obj", ".stl", ".ply", ".gltf", ".glb", ".STL"])
def test_other_formats_give_the_same_voxels(cube, ending):
    trimesh.load_mesh(cube, process=False).export(cube.with_suffix(ending), file_type=ending[1:].lower())
    assert np.array_equal(voxelize(read_mesh(cube.with_suffix(ending)), Grid(16)), voxelize(read_mesh(cube), Grid(16)))


@pytest.mark.parametrize("ending", [".obj", ".stl", ".ply", ".gltf", ".glb"])
@pytest.mark.parametrize("content", [b"", b"not a mesh", CUBE.encode(), b"\0" * 200, b'{"meshes": 3}'])
def test_what_is_no_mesh_is_named(tmp_path, ending, content):
    path = tmp_path / f"bad{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"bad{ending}: .*on_bad_mesh: skip"):
        read_mesh(path)


def test_a_damaged_ply_is_named_where_open3d_crashes(cube, tmp_path):
    trimesh.load_mesh(cube, process=False).export(tmp_path / "cube.ply", encoding="ascii")
    text = (tmp_path / "cube.ply").read_text()
    (tmp_path / "cube.ply").write_text(text.replace("3 0 3 2", "3 0 3 200"))
    with pytest.raises(InputError, match="a face names a vertex that isn't there"):
        read_mesh(tmp_path / "cube.ply")


def test_a_gltf_without_its_buffer_is_named(cube, tmp_path):
    for name, content in trimesh.exchange.gltf.export_gltf(trimesh.load_scene(cube, process=False)).items():
        (tmp_path / name).write_bytes(content)
    model = json.loads((tmp_path / "model.gltf").read_text())
    assert len(read_mesh(tmp_path / "model.gltf").triangles) == 12
    (tmp_path / model["buffers"][0]["uri"]).unlink()
    with pytest.raises(InputError, match="model.gltf: it can't be read as .gltf"):
        read_mesh(tmp_path / "model.gltf")
