"""The numbers of a glTF: accessors, plain, sparse or quantized, to arrays that view the file's bytes where they can.

Sections 3.6.2 of Khronos' description: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#accessors.
"""

from functools import cache, partial

import numpy as np

from voxprune.meshes.gltf import entry, natural, read_buffer, unread
from voxprune.meshes.polygons import BadMesh

KINDS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
MOST_ZEROS = 20_000_000  # rows of an accessor that has no bytes of its own


def number_reader(model, chunk, folder):
    """A function of an accessor's number and its type, as "VEC3", that gives its numbers: (count, width).

    They have the file's type; normalized whole numbers are float64 from 0 or -1 to 1. What it raises: BadMesh where bytes are
    missing or compressed, ValueError, KeyError and the like where the JSON is damaged.
    """
    return partial(_accessor, model, cache(partial(read_buffer, model, chunk, folder)))


def _accessor(model, buffer, number, width):
    accessor = entry(model, "accessors", number)
    if accessor["type"] != width:
        raise BadMesh(f"its accessor {number} is of type {accessor['type']!a:.20}, and not {width}")
    shape, kind = (natural(accessor["count"]), WIDTHS[width]), np.dtype(KINDS[accessor["componentType"]])
    if "bufferView" in accessor:
        numbers = _view(model, buffer, accessor, kind, shape)
    elif "sparse" in accessor and shape[0] <= MOST_ZEROS:
        numbers = np.zeros(shape, kind)
    else:
        raise BadMesh("its numbers are compressed or missing; export it uncompressed")
    if "sparse" in accessor:
        numbers = _replaced(model, buffer, accessor["sparse"], numbers)
    return _normalized(numbers) if accessor.get("normalized") else numbers


def _view(model, buffer, place, kind, shape):
    """Rows of numbers at a place: a bufferView and an offset in it."""
    view = entry(model, "bufferViews", place["bufferView"])
    compressions = [name for name in view.get("extensions", {}) if "compression" in name]
    if compressions:
        raise unread(compressions[0])
    content = buffer(natural(view["buffer"]))
    row = kind.itemsize * shape[1]
    begin, stride = natural(place.get("byteOffset", 0)), natural(view.get("byteStride", row))
    first, length = natural(view.get("byteOffset", 0)), natural(view["byteLength"])
    if stride < row or begin + max(0, shape[0] - 1) * stride + row > length or first + length > len(content):
        raise BadMesh(f"it is cut short: {shape[0]:,} rows of {row} bytes reach beyond the buffer that holds them")
    return np.ndarray(shape, kind, content, first + begin, (stride, kind.itemsize))


def _replaced(model, buffer, sparse, numbers):
    """The numbers with those rows replaced that a sparse accessor gives."""
    count, indices = natural(sparse["count"]), sparse["indices"]
    rows = _view(model, buffer, indices, np.dtype(KINDS[indices["componentType"]]), (count, 1))[:, 0]
    if rows.dtype.kind != "u" or count and rows.max() >= len(numbers):
        raise BadMesh("its sparse numbers name rows that aren't there")
    numbers = numbers.copy()
    numbers[rows] = _view(model, buffer, sparse["values"], numbers.dtype, (count, numbers.shape[1]))
    return numbers


def _normalized(numbers):
    """Section 3.6.2.2: the largest whole number of a type stands for 1."""
    return numbers if numbers.dtype.kind == "f" else np.maximum(numbers / np.iinfo(numbers.dtype).max, -1)
