"""The nodes of a glTF: where each stands in the world, and which ones its scene draws.

Sections 3.5 of Khronos' description: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#concepts; KHR_node_visibility:
https://github.com/KhronosGroup/glTF/tree/main/extensions/2.0/Khronos/KHR_node_visibility.
"""

from collections import Counter

import numpy as np

from voxprune.meshes.gltf import entry, natural
from voxprune.meshes.polygons import BadMesh


def world_matrices(model):
    """The matrix of each node, 4 x 4, that leads from its own coordinates to the world's.

    Raises BadMesh where a node lies below two parents or below itself.
    """
    nodes = model.get("nodes", [])
    below = Counter(child for number in range(len(nodes)) for child in _children(model, number))
    for number, parents in below.items():
        if parents > 1:
            raise BadMesh(f"its node {number} lies below two parents; export it with each below one")
    worlds, waiting = [None] * len(nodes), [(number, np.eye(4)) for number in range(len(nodes)) if number not in below]
    while waiting:
        number, above = waiting.pop()
        worlds[number] = above @ _matrix(nodes[number])
        waiting += [(child, worlds[number]) for child in _children(model, number)]
    if any(world is None for world in worlds):
        raise BadMesh("some of its nodes lie below themselves")
    return worlds


def drawn_nodes(model):
    """The numbers of the nodes that the scene draws: those below its roots, but for hidden ones and what is below them.

    The scene is the one that the file names, else its first; without scenes all nodes are drawn.
    Raises BadMesh where a scene or node isn't there, or a node would be drawn twice.
    """
    waiting, seen = _roots(model)[::-1], set()
    while waiting:
        number = natural(waiting.pop())
        if not _is_visible(entry(model, "nodes", number)):
            continue
        if number in seen:
            raise BadMesh(f"its scene draws node {number} twice")
        seen.add(number)
        yield number
        waiting += _children(model, number)[::-1]


def _roots(model):
    if "scenes" in model:
        return list(entry(model, "scenes", model.get("scene", 0)).get("nodes", []))
    nodes = range(len(model.get("nodes", [])))
    below = {child for number in nodes for child in _children(model, number)}
    return [number for number in nodes if number not in below]


def _children(model, number):
    children = [natural(child) for child in model["nodes"][number].get("children", [])]
    for child in children:
        entry(model, "nodes", child)
    return children


def _is_visible(node):
    return node.get("extensions", {}).get("KHR_node_visibility", {}).get("visible", True) is not False


def _matrix(node):
    """From a node's own coordinates to its parent's: given whole, by columns, or as translation, rotation and scale."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=float).reshape(4, 4).T
    matrix = np.eye(4)
    scale = np.array(node.get("scale", [1, 1, 1]), dtype=float).reshape(3)
    matrix[:3, :3] = _rotation(node.get("rotation", [0, 0, 0, 1])) * scale
    matrix[:3, 3] = np.array(node.get("translation", [0, 0, 0]), dtype=float).reshape(3)
    return matrix


def _rotation(quaternion):
    """Matrix, 3 x 3, of a quaternion x, y, z, w of any length but 0."""
    x, y, z, w = np.array(quaternion, dtype=float).reshape(4)
    length = x * x + y * y + z * z + w * w
    if not length > 0:
        raise BadMesh("a node's rotation is a quaternion without length")
    turned = [
        [y * y + z * z, w * z - x * y, -x * z - w * y],
        [-x * y - w * z, x * x + z * z, w * x - y * z],
        [w * y - x * z, -y * z - w * x, x * x + y * y],
    ]
    return np.eye(3) - 2 / length * np.array(turned)
