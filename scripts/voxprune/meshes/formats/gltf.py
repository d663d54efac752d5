"""What a glTF draws, as triangles: the meshes of its scene's nodes, morphed, posed and placed.

Sections 3.7 of Khronos' description: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#geometry. Animations say nothing
about the shape: it is the pose in which the file stands. Points and lines have no surface.
"""

import numpy as np

from voxprune.meshes.gltf import entry, natural, read_model, unread
from voxprune.meshes.gltf_nodes import drawn_nodes, world_matrices
from voxprune.meshes.gltf_numbers import number_reader
from voxprune.meshes.polygons import BadMesh, check_corners

ENDINGS = [".gltf", ".glb"]
SINGLE = False  # whether Open3D reads its coordinates in single precision

POINTS_AND_LINES, TRIANGLES, STRIP, FAN = (0, 1, 2, 3), 4, 5, 6  # a primitive's `mode`
MOST = 20_000_000  # vertices and triangles; nodes can repeat a mesh without end
DAMAGED = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


def parse(path):
    """A `.gltf` or `.glb` to (vertices float64 (n, 3), triangles int64 (m, 3)), in the world's coordinates, y up as a rule.

    Raises BadMesh where it is damaged or cut short, a file beside it is missing, or it needs what can't be read: instances and
    compression by Draco or meshopt among them.
    """
    try:
        with np.errstate(all="ignore"):  # what becomes infinite is told
            return _parse(path)
    except DAMAGED as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0][:80]
        raise BadMesh(f"it is damaged: what it says can't be understood as glTF ({said})") from error


def _parse(path):
    model, chunk = read_model(path)
    numbers, worlds = number_reader(model, chunk, path.parent), world_matrices(model)
    vertices, triangles, n_vertices, n_triangles = [np.empty((0, 3))], [np.empty((0, 3), dtype=np.int64)], 0, 0
    for node in drawn_nodes(model):
        for points, corners in _shapes(model, numbers, worlds, node):
            vertices.append(points)
            triangles.append(corners + n_vertices)
            n_vertices, n_triangles = n_vertices + len(points), n_triangles + len(corners)
            if max(n_vertices, n_triangles) > MOST:
                raise BadMesh(f"it draws more than {MOST:,} vertices or triangles; export it coarser")
    return np.concatenate(vertices), np.concatenate(triangles)


def _shapes(model, numbers, worlds, number):
    """(vertices, triangles) of each primitive of a node's mesh that has a surface."""
    node = model["nodes"][number]
    if "mesh" not in node:
        return
    if "EXT_mesh_gpu_instancing" in node.get("extensions", {}):
        raise unread("EXT_mesh_gpu_instancing")
    mesh = entry(model, "meshes", node["mesh"])
    weights = node.get("weights", mesh.get("weights", []))
    for primitive in mesh["primitives"]:
        if primitive.get("mode", TRIANGLES) in POINTS_AND_LINES or "POSITION" not in primitive["attributes"]:
            continue
        _check_compression(model, primitive)
        points = _morphed(numbers, primitive, weights)
        corners = _triangles(numbers, primitive, len(points))
        if "skin" in node:
            yield _posed(numbers, primitive["attributes"], points, _joints(model, numbers, worlds, node["skin"])), corners
        else:
            yield points @ worlds[number][:3, :3].T + worlds[number][:3, 3], corners


def _check_compression(model, primitive):
    """A file may hold its numbers compressed and, for readers that can't, plainly too."""
    plain = "bufferView" in entry(model, "accessors", primitive["attributes"]["POSITION"])
    compressions = [name for name in primitive.get("extensions", {}) if "compression" in name]
    if compressions and not plain:
        raise unread(compressions[0])


def _points(numbers, accessor):
    points = numbers(accessor, "VEC3")
    if points.dtype == np.uint32:
        raise BadMesh("its coordinates are of a type that glTF doesn't have; export it anew")
    return points.astype(float)


def _morphed(numbers, primitive, weights):
    """The points of a primitive, each moved by its targets as far as their weights say."""
    points = _points(numbers, primitive["attributes"]["POSITION"])
    for weight, target in zip(weights, primitive.get("targets", [])):
        if weight and "POSITION" in target:
            moves = _points(numbers, target["POSITION"])
            if len(moves) != len(points):
                raise BadMesh("a morph target has not as many vertices as its mesh")
            points = points + float(weight) * moves
    return points


def _triangles(numbers, primitive, n_points):
    """Triangles, int64 (m, 3), of a primitive: apart, or each after the first sharing a side with one before."""
    corners, mode = np.arange(n_points), primitive.get("mode", TRIANGLES)
    if "indices" in primitive:
        corners = numbers(primitive["indices"], "SCALAR")[:, 0]
        if corners.dtype.kind != "u":
            raise BadMesh("its triangles' corners are no whole numbers without sign")
        corners = corners.astype(np.int64)
    check_corners(corners, n_points)
    if mode == TRIANGLES:
        if len(corners) % 3:
            raise BadMesh(f"its triangles have {len(corners):,} corners, which is no multiple of three")
        return corners.reshape(-1, 3)
    if mode not in (STRIP, FAN):
        raise BadMesh(f"a primitive's mode is {mode!a:.20}, which glTF doesn't have")
    first = corners[:-2] if mode == STRIP else np.repeat(corners[:1], max(0, len(corners) - 2))
    return np.stack([first, corners[1:-1][: len(first)], corners[2:]], axis=1)


def _joints(model, numbers, worlds, skin):
    """The matrices, (joints, 4, 4), by which a skin moves what is bound to each joint; its node's own place doesn't count."""
    skin = entry(model, "skins", skin)
    joints = np.stack([worlds[natural(joint)] for joint in skin["joints"]])
    if "inverseBindMatrices" not in skin:
        return joints
    inverses = numbers(skin["inverseBindMatrices"], "MAT4").astype(float).reshape(-1, 4, 4).transpose(0, 2, 1)
    if len(inverses) < len(joints):
        raise BadMesh("a skin has fewer matrices than joints")
    return joints @ inverses[: len(joints)]


def _posed(numbers, attributes, points, joints):
    """Points, each moved by the joints that it is bound to, in the shares that its weights say (section 3.7.3)."""
    moved, total = np.zeros_like(points), np.zeros((len(points), 1))
    for place in range(sum(name.startswith("JOINTS_") for name in attributes)):
        bound = numbers(attributes[f"JOINTS_{place}"], "VEC4").astype(np.int64)
        weights = numbers(attributes[f"WEIGHTS_{place}"], "VEC4").astype(float)
        if not len(bound) == len(weights) == len(points) or bound.size and not 0 <= bound.min() <= bound.max() < len(joints):
            raise BadMesh("its vertices are bound to joints that aren't there")
        for joint, weight in zip(bound.T, weights.T):
            matrices = joints[joint]
            moved += weight[:, None] * (np.einsum("nij,nj->ni", matrices[:, :3, :3], points) + matrices[:, :3, 3])
            total += weight[:, None]
    if not (total > 0).all():
        raise BadMesh("some of its vertices belong to a skin but to none of its joints")
    return moved / total
