"""Meshes: what can be read is read, what can't is named with the remedy."""

import numpy as np
import pytest

from conftest import CUBE
from voxprune.files import InputError
from voxprune.meshes import find_meshes, folder_hash, read_mesh, write_off


def test_quads_become_triangles(cube):
    assert len(read_mesh(cube).triangles) == 12


def test_a_glued_header_is_repaired(cube):
    cube.write_text(CUBE.replace("OFF\n8", "OFF8"))
    assert len(read_mesh(cube).triangles) == 12


@pytest.mark.parametrize(
    "content, fact",
    [
        ("", "no faces"),
        ("not a mesh at all", "no faces"),
        ("OFF\n3 0 0\n0 0 0\n1 0 0\n0 1 0\n", "no faces"),
        ("OFF\n3 1 0\n0 0 0\nnan 0 0\n0 1 0\n3 0 1 2\n", "not a finite number|no faces"),
        ("OFF\n3 1 0\n1 1 1\n1 1 1\n1 1 1\n3 0 1 2\n", "coincide"),
    ],
)
def test_a_bad_mesh_is_named(tmp_path, content, fact):
    path = tmp_path / "bad.off"
    path.write_text(content)
    with pytest.raises(InputError, match=fact) as error:
        read_mesh(path)
    assert str(path) in str(error.value) and "on_bad_mesh" in str(error.value)


def test_a_missing_mesh_is_named(tmp_path):
    with pytest.raises(InputError, match="no such mesh"):
        read_mesh(tmp_path / "absent.off")


def test_missing_and_empty_folders_are_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_meshes(tmp_path / "absent")
    with pytest.raises(InputError, match="no .off file"):
        find_meshes(tmp_path)


def test_written_meshes_read_back(tmp_path):
    vertices = np.array([[0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 3, 0]])
    write_off(tmp_path / "sheet.off", vertices, [[0, 1, 2, 3]])
    mesh = read_mesh(tmp_path / "sheet.off")
    assert len(mesh.triangles) == 2 and np.array_equal(mesh.vertices, vertices)


def test_folder_hash_follows_content_not_dates(cube, tmp_path):
    before = folder_hash(tmp_path, tmp_path / "cache")
    cube.touch()
    assert folder_hash(tmp_path, tmp_path / "cache") == before
    cube.write_text(CUBE.replace("1 1 1", "1 1 2"))
    changed = folder_hash(tmp_path, tmp_path / "cache")
    assert changed != before
    (tmp_path / "other.off").write_text(CUBE)
    assert folder_hash(tmp_path, tmp_path / "cache") != changed
