"""Meshes in other formats, and as they are written."""

import json
import struct

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from conftest import CUBE
from voxprune.core.errors import InputError
from voxprune.datasets.folders import mesh_hash
from voxprune.meshes.read import read_mesh, write_off
from voxprune.settings.voxels import Grid
from voxprune.voxels.voxelize import voxelize


def test_written_meshes_read_back(tmp_path):
    vertices = np.array([[0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 3, 0]])
    write_off(tmp_path / "sheet.off", vertices, [[0, 1, 2, 3]])
    mesh = read_mesh(tmp_path / "sheet.off")
    assert len(mesh.triangles) == 2 and np.array_equal(mesh.vertices, vertices)


@pytest.mark.parametrize("ending", [".obj", ".stl", ".ply", ".gltf", ".glb", ".STL"])
def test_other_formats_give_the_same_voxels(cube, ending):
    trimesh.load_mesh(cube, process=False).export(cube.with_suffix(ending), file_type=ending[1:].lower())
    assert np.array_equal(
        voxelize(read_mesh(cube.with_suffix(ending)), Grid(16, padding=0)), voxelize(read_mesh(cube), Grid(16, padding=0))
    )


@pytest.mark.parametrize("ending", [".obj", ".stl", ".ply", ".gltf", ".glb"])
@pytest.mark.parametrize("content", [b"", b"not a mesh", CUBE.encode(), b"\0" * 200, b'{"meshes": 3}'])
def test_what_is_no_mesh_is_named(tmp_path, ending, content):
    path = tmp_path / f"bad{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"bad{ending}: .*on_bad_mesh: skip"):
        read_mesh(path)


def triangles_of(folder, name, content):
    """The corners' coordinates of each triangle of a file, as text, in order."""
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    mesh = read_mesh(folder / name)
    return [" ".join("%g,%g,%g" % tuple(corner) for corner in mesh.vertices[triangle]) for triangle in mesh.triangles]


# ---- .obj ----------------------------------------------------------------------------------------------------------

FOUR = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\n"
FIRST, SECOND = "0,0,0 1,0,0 0,1,0", "0,0,0 1,0,0 0,0,1"
OBJS = {
    "plain": FOUR + "f 1 2 3\nf 1 2 4\n",
    "counted from the end": FOUR + "f -4 -3 -2\nf -4 2 -1\n",
    "counted from the end of what came so far": "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 0 0 1\nf -4 -3 -1\n",
    "before their vertices": "f 1 2 3\nf 1 2 4\n" + FOUR,
    "indented, with tabs": FOUR.replace("v ", " \tv\t") + "  f\t1 2 3\n\tf 1\t2 4  \n",
    "comments": "# x\n" + FOUR + "f 1 2 3 # one\nf 1 2 4# two\n",
    "lines that go on": FOUR + "f 1 2 \\\n3\nf \\\n1 2 4\n",
    "line ends of Windows": (FOUR + "f 1 2 \\\n3\nf 1 2 4\n").replace("\n", "\r\n"),
    "textures and normals": FOUR + "vt 0 0\nvn 0 0 1\nf 1/1 2/1 3/1\nf 1//1 2/1/1 4//\n",
    "weights and colours": FOUR.replace("0 0\n", "0 0 1\n").replace("0 1\n", "0 1 255 0 0\n") + "f 1 2 3\nf 1 2 4\n",
    "groups and materials": "mtllib x.mtl\no x\n" + FOUR + "g a\nusemtl b\ns off\nf 1 2 3\ng c\nl 1 2\nf 1 2 4\n",
}
NO_OBJS = {
    "vertex 0": ("f 0 1 2", "a face names vertex 0"),
    "before the first": ("f -5 1 2", "a face names vertex -5 where 4 vertices stand before it"),
    "after the last": ("f 1 2 5", "a face names vertex 5, but the vertices are numbered 1 to 4"),
    "beyond 64 bits": (f"f 1 2 {10**30}", "a face names vertex 1000000"),
    "no number": ("f 1 x 4", "a face's corner is not a whole number: x"),
    "no corners": ("f 1 2 3\nf", "a face has no corners"),
    "only two corners": ("f 1 2", "it has no faces"),
    "a number with an underscore": ("v 1_0 2 3\nf 1 1 1", "a vertex's line doesn't hold three numbers: 1_0 2 3;"),
    "a coordinate missing": ("v 1 2\nf 1 2 3", "a vertex's line doesn't hold three numbers: 1 2;"),
    "infinite, in a quad": ("v 1 2 inf\nf 1 2 5 4", "a coordinate is not a finite number"),
    "too large to compute with": ("v 1 2 1e200\nf 1 2 5 4", "a coordinate is not a finite number"),
    "zeros after a power loss": ("f 1 2 3\n\0\0\0\0\nf 1 2 4", "it holds bytes that no text has"),
    "free-form surfaces": ("f 1 2 3\nsurf 0 1 0 1 1 2 3 4", "it holds free-form .* export it as polygons"),
}


@pytest.mark.parametrize("content", OBJS.values(), ids=OBJS)
def test_an_obj_in_every_dialect(tmp_path, content):
    assert triangles_of(tmp_path, "x.obj", content) == [FIRST, SECOND]


@pytest.mark.parametrize("content, fact", NO_OBJS.values(), ids=NO_OBJS)
def test_an_obj_that_cannot_be_read_is_named(tmp_path, content, fact):
    with pytest.raises(InputError, match=f"x.obj: {fact}"):
        triangles_of(tmp_path, "x.obj", FOUR + content + "\n")


# ---- .ply ----------------------------------------------------------------------------------------------------------


def ply(faces, form="ascii", more=""):
    """A .ply of the four vertices and these faces, lists of numbers; more: further properties of a face, of one byte each."""
    order = ">" if form == "binary_big_endian" else "<"
    header = f"ply\nformat {form} 1.0\ncomment x\nelement vertex 4\nproperty float x\nproperty double y\nproperty int z\n"
    header += f"element face {len(faces)}\nproperty list uchar int vertex_indices\n{more}end_header\n"
    vertices = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    if form == "ascii":
        return (
            header.encode()
            + "".join(" ".join(map(str, row)) + "\n" for row in vertices + [[len(face), *face] for face in faces]).encode()
        )
    body = [struct.pack(f"{order}fdi", *vertex) for vertex in vertices]
    return header.encode() + b"".join(body + [struct.pack(f"{order}B{len(face)}i", len(face), *face) for face in faces])


FORMS = ["ascii", "binary_little_endian", "binary_big_endian"]


@pytest.mark.parametrize("form", FORMS)
def test_a_ply_in_every_form_with_triangles_and_quads(tmp_path, form):
    found = triangles_of(tmp_path, "x.ply", ply([[0, 1, 2], [0, 1], [0, 1, 2, 3]], form))
    assert found == [FIRST, FIRST, "0,0,0 0,1,0 0,0,1"]


@pytest.mark.parametrize("form", FORMS)
def test_a_ply_that_holds_less_or_more_than_it_says_is_named(tmp_path, form):
    whole = ply([[0, 1, 2], [0, 1, 3]], form)
    for cut in range(2, 40):  # the last byte of a text is only its line end
        with pytest.raises(InputError, match="x.ply: it is cut short"):
            triangles_of(tmp_path, "x.ply", whole[:-cut])
    with pytest.raises(InputError, match="x.ply: it goes on after what its header announces"):
        triangles_of(tmp_path, "x.ply", whole + b"3 0 1 2\n")


NO_PLYS = {
    "an index too large": (ply([[0, 1, 200]]), "a face names vertex 200, but"),
    "a negative index": (ply([[0, 1, -1]]), "a face names vertex -1, but"),
    "an index that isn't whole": (ply([[0, 1, 1.5]]), "a face's corner is not a whole number"),
    "a word": (ply([[0, 1, "x"]]), "not all numbers"),
    "a negative length": (ply([[0, 1, 2]]).replace(b"3 0 1 2", b"-3 0 1 2"), "a list's length is -3"),
    "a length without end": (ply([[0, 1, 2]]).replace(b"3 0 1 2", b"inf 0 1 2"), "a list's length is inf"),
    "counts beyond any memory": (ply([[0, 1, 2]]).replace(b"vertex 4", b"vertex 4" + b"0" * 15), "it is cut short"),
    "no faces": (ply([]), "it has no faces"),
    "strips": (ply([[0, 1, 2]]).replace(b"element face", b"element tristrips"), "export it with faces"),
    "no y": (ply([[0, 1, 2]]).replace(b"double y", b"double why"), "no vertices with x, y and z"),
    "a type nobody knows": (ply([[0, 1, 2]]).replace(b"double y", b"half y"), "a line of its header can't be read: property"),
    "a property twice": (ply([[0, 1, 2]]).replace(b"double y", b"double x"), "its header is wrong"),
}  # fmt: skip


@pytest.mark.parametrize("content, fact", NO_PLYS.values(), ids=NO_PLYS)
def test_a_ply_that_cannot_be_read_is_named(tmp_path, content, fact):
    with pytest.raises(InputError, match=f"x.ply: .*{fact}"):
        triangles_of(tmp_path, "x.ply", content)


def test_polygons_that_are_not_convex_give_the_same_voxels_in_every_format(tmp_path):
    """An L as a prism, whose ends a fan would fill beyond the shape."""
    flat = [(4, 1), (1, 1), (1, 4), (0, 4), (0, 0), (4, 0)]
    vertices = [(x, y, z) for z in (0, 3) for x, y in flat]
    faces = [list(range(6)), list(range(11, 5, -1))] + [[i, (i + 1) % 6, 6 + (i + 1) % 6, 6 + i] for i in range(6)]
    write_off(tmp_path / "L.off", vertices, faces)
    lines = ["v %g %g %g" % vertex for vertex in vertices] + ["f " + " ".join(str(i + 1) for i in face) for face in faces]
    (tmp_path / "L.obj").write_text("\n".join(lines))
    header = "ply\nformat ascii 1.0\nelement vertex 12\nproperty float x\nproperty float y\nproperty float z\n"
    header += "element face 8\nproperty list uchar int vertex_index\nend_header\n"
    rows = [" ".join(map(str, row)) for row in [*vertices, *([len(face), *face] for face in faces)]]
    (tmp_path / "L.ply").write_text(header + "\n".join(rows))
    off, obj, ply = (voxelize(read_mesh(tmp_path / f"L.{ending}"), Grid(32, padding=0)) for ending in ("off", "obj", "ply"))
    assert np.array_equal(off, obj) and np.array_equal(off, ply)
    assert not off[0, 12:, 12:].any()


# ---- .gltf and .glb ------------------------------------------------------------------------------------------------


def test_a_gltf_without_its_buffer_is_named(cube, tmp_path):
    for name, content in trimesh.exchange.gltf.export_gltf(trimesh.load_scene(cube, process=False)).items():
        (tmp_path / name).write_bytes(content)
    model = json.loads((tmp_path / "model.gltf").read_text())
    assert len(read_mesh(tmp_path / "model.gltf").triangles) == 12
    (tmp_path / model["buffers"][0]["uri"]).unlink()
    with pytest.raises(InputError, match="model.gltf: its buffer 'gltf_buffer_0.bin' is missing"):
        read_mesh(tmp_path / "model.gltf")


@pytest.fixture
def model(cube, tmp_path):
    """The JSON of a cube's .gltf, its buffer beside it."""
    for name, content in trimesh.exchange.gltf.export_gltf(trimesh.load_scene(cube, process=False)).items():
        (tmp_path / name).write_bytes(content)
    return json.loads((tmp_path / "model.gltf").read_text())


def required(model, name):
    model["extensionsRequired"] = [name]


MISREAD = {
    "Draco": (
        lambda model: required(model, "KHR_draco_mesh_compression"),
        "KHR_draco_mesh_compression, .* export it without",
    ),
    "meshopt": (lambda model: required(model, "EXT_meshopt_compression"), "EXT_meshopt_compression, .* export it without"),
    "an unknown extension": (lambda model: required(model, "ACME_shape"), "ACME_shape, which can't be read"),
    "instances": (lambda model: model["nodes"][-1].update(extensions={"EXT_mesh_gpu_instancing": {}}), "gpu_instancing"),
    "no numbers": (lambda model: [accessor.pop("bufferView") for accessor in model["accessors"]], "export it uncompressed"),
}


@pytest.mark.parametrize("ending", [".gltf", ".glb"])
@pytest.mark.parametrize("change, fact", MISREAD.values(), ids=MISREAD)
def test_a_gltf_that_would_be_misread_is_named(tmp_path, model, change, fact, ending):
    change(model)
    content = json.dumps(model).encode()
    if ending == ".glb":
        content += b" " * (-len(content) % 4)
        content = b"glTF" + struct.pack("<IIII", 2, 20 + len(content), len(content), 0x4E4F534A) + content
    (tmp_path / f"model{ending}").write_bytes(content)
    with pytest.raises(InputError, match=f"model{ending}: .*{fact}"):
        read_mesh(tmp_path / f"model{ending}")


def corners_of(vertices, triangles):
    """The corners' coordinates of each triangle, a row each."""
    return np.asarray(vertices)[np.asarray(triangles)].reshape(-1, 9)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.sampled_from([".gltf", ".glb"]))
def test_a_scene_of_nodes_below_each_other_is_what_trimesh_reads(tmp_path_factory, seed, count, ending):
    rng, scene, names = np.random.default_rng(seed), trimesh.Scene(), ["world"]
    for number in range(count):
        shape = trimesh.Trimesh(rng.integers(0, 9, (6, 3)), rng.integers(0, 6, (4, 3)), process=False)
        scale, angles, place = rng.uniform(0.5, 2, 3), rng.uniform(0, 6, 3), rng.normal(size=3)
        matrix = trimesh.transformations.compose_matrix(scale=scale, angles=angles, translate=place)
        scene.add_geometry(shape, node_name=f"n{number}", parent_node_name=names[rng.integers(len(names))], transform=matrix)
        names.append(f"n{number}")
    path = tmp_path_factory.getbasetemp() / f"scene{ending}"
    written = scene.export(file_type=ending[1:], **({"embed_buffers": True} if ending == ".gltf" else {}))
    path.write_bytes(written["model.gltf"] if ending == ".gltf" else written)
    found, expected = read_mesh(path), trimesh.load_scene(path, process=False).to_mesh()
    assert len(found.triangles) == 4 * count
    apart = cdist(corners_of(*found[:2]), corners_of(expected.vertices, expected.faces))
    assert apart.min(axis=0).max() < 1e-4 and apart.min(axis=1).max() < 1e-4


def test_materials_that_a_gltf_requires_do_not_matter(tmp_path, model):
    required(model, "KHR_materials_unlit")
    (tmp_path / "model.gltf").write_text(json.dumps(model))
    assert len(read_mesh(tmp_path / "model.gltf").triangles) == 12


@pytest.mark.parametrize(
    "name, uri", [("my buffer.bin", "my%20buffer.bin"), ("é.bin", "%C3%A9.bin"), ("50%25.bin", "50%25.bin")]
)
def test_a_buffer_is_found_by_its_percent_encoded_name(tmp_path, model, name, uri):
    (tmp_path / model["buffers"][0]["uri"]).rename(tmp_path / name)
    model["buffers"][0]["uri"] = uri
    (tmp_path / "model.gltf").write_text(json.dumps(model))
    assert len(read_mesh(tmp_path / "model.gltf").triangles) == 12
    before = mesh_hash(tmp_path / "model.gltf")
    (tmp_path / name).write_bytes(b"")
    assert mesh_hash(tmp_path / "model.gltf") != before
