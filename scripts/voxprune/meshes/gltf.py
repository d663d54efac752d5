"""What is asked of a glTF before trimesh reads it: that nothing in it would be misread in silence, and its buffers.

Khronos' description: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html. Imports nothing heavy.
"""

import json
from urllib.parse import unquote

from voxprune.meshes.polygons import BadMesh

GLTF = (".gltf", ".glb")
# What a file may require without a change of its shape: extensions whose names begin so.
HARMLESS = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "MSFT_texture_", "KHR_lights_")
FANS = 6  # a primitive's `mode`; of the others, 4 and 5 are triangles and strips, and points and lines have no surface
FLOAT32 = 5126  # an accessor's `componentType`


def read_gltf_buffers(path):
    """{uri: content} of the files beside a .gltf or .glb that hold its numbers.

    Raises BadMesh where its shape needs what trimesh leaves out; ValueError, KeyError and the like where it is damaged.
    """
    with open(path, "rb") as file:
        model = _model(file)
    _check(model)
    return {uri: _beside(path, uri).read_bytes() for uri in _uris(model)}


def buffer_files(path):
    """The files beside a .gltf or .glb that hold its numbers and are there; none for other meshes and damaged ones."""
    if path.suffix.lower() not in GLTF:
        return []
    with open(path, "rb") as file:
        return [buffer for buffer in (_beside(path, uri) for uri in outer_uris(file)) if buffer.is_file()]


def outer_uris(file):
    """The URIs of the files that hold the numbers of an open .gltf or .glb; none if it is damaged: reading it will say so."""
    try:
        return _uris(_model(file))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _model(file):
    """The JSON of an open .gltf, or of a .glb's first chunk."""
    head = file.read(20)
    return json.loads(file.read(int.from_bytes(head[12:16], "little")) if head.startswith(b"glTF") else head + file.read())


def _uris(model):
    return [buffer["uri"] for buffer in model.get("buffers", []) if not buffer.get("uri", "data:").startswith("data:")]


def _beside(path, uri):
    """The file that a URI means: of that name, or percent-encoded as it should be."""
    return path.parent / uri if (path.parent / uri).is_file() else path.parent / unquote(uri)


def _check(model):
    for name in model.get("extensionsRequired", []):
        if not name.startswith(HARMLESS):
            raise BadMesh(f"it needs the extension {name}, which can't be read; export it without")
    if any("EXT_mesh_gpu_instancing" in node.get("extensions", {}) for node in model.get("nodes", [])):
        raise BadMesh("it needs the extension EXT_mesh_gpu_instancing, which can't be read; export it without")
    for primitive in (primitive for mesh in model.get("meshes", []) for primitive in mesh["primitives"]):
        if primitive.get("mode") == FANS:
            raise BadMesh("it holds triangle fans, which can't be read; export it as triangles")
        used = [primitive["attributes"].get("POSITION"), primitive.get("indices")]
        position, *others = [model["accessors"][number] for number in used if number is not None]
        if any("sparse" in accessor or "bufferView" not in accessor for accessor in (position, *others)):
            raise BadMesh("its numbers are sparse or compressed, which can't be read; export it uncompressed")
        if position["componentType"] != FLOAT32:
            raise BadMesh("its coordinates are not float32, which can't be read; export it uncompressed")
