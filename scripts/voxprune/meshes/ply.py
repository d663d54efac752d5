"""The PLY format, in text and binary: every element is read as the header says it, so that nothing can be missing.

Turk's description: https://paulbourke.net/dataformats/ply/.
"""

import numpy as np

from voxprune.meshes.polygons import BadMesh, check_corners, triangulate

TYPES = {"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8",
         "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4",
         "float64": "f8"}  # fmt: skip
ORDERS = {"ascii": "<", "binary_little_endian": "<", "binary_big_endian": ">"}
CORNERS = ("vertex_indices", "vertex_index")  # what a face's list is called


def parse_ply(content):
    """Content of a `.ply` file, bytes, to (vertices float64 (n, 3), triangles int64 (m, 3)).

    Larger polygons become triangles; faces of one or two vertices have no surface and are dropped, as in `.off`.
    Raises BadMesh where the header or a number is wrong, or more or less follows than it announces.
    """
    form, elements, body = _header(content)
    if form == "ascii":  # as if it were binary, of doubles
        elements = [(name, count, [(key, "f8", size and "f8") for key, _, size in keys]) for name, count, keys in elements]
        body = _doubles(body)
    found = _read(elements, np.frombuffer(body, dtype=np.uint8), ORDERS[form])
    if "tristrips" in found:
        raise BadMesh("its triangles are joined to strips, which can't be read; export it with faces")
    try:
        vertices = np.stack([np.array(found["vertex"][axis], dtype=float) for axis in "xyz"], axis=1)
    except (KeyError, ValueError) as error:
        raise BadMesh("it has no vertices with x, y and z") from error
    polygons = next((found["face"][key] for key in CORNERS if key in found.get("face", {})), [])
    polygons = [polygon for polygon in polygons if np.size(polygon) > 2]
    corners = np.concatenate([np.empty(0), *polygons])
    if not (np.abs(corners) < 2**62).all() or (corners != np.floor(corners)).any():
        raise BadMesh("a face's corner is not a whole number")
    corners = corners.astype(np.int64)
    check_corners(corners, len(vertices))
    return vertices, triangulate(vertices, np.array([len(polygon) for polygon in polygons], dtype=np.int64), corners)


def _header(content):
    """(form, elements, the bytes that follow); an element is (name, count, properties), a property (name, type, type of the
    list's length, None where it's no list)."""
    head, end, body = content.partition(b"end_header")
    lines = [line.split() for line in head.decode("latin-1").splitlines()]
    if not lines or lines[0] != ["ply"] or not end:
        raise BadMesh("it doesn't begin with the header of a PLY" if content.strip() else "it is empty")
    form, elements = None, []
    try:
        for keyword, *words in filter(None, lines[1:]):
            if keyword == "format":
                form = words[0]
            elif keyword == "element":
                elements.append((words[0], int(words[1]), []))
            elif keyword == "property" and words[0] == "list":
                elements[-1][2].append((words[3], TYPES[words[2]], TYPES[words[1]]))
            elif keyword == "property":
                elements[-1][2].append((words[1], TYPES[words[0]], None))
    except (IndexError, KeyError, ValueError) as error:
        raise BadMesh(f"a line of its header can't be read: {' '.join([keyword, *words])[:40]}") from error
    names = [name for name, _, _ in elements] + [f"{name} {key}" for name, _, keys in elements for key, _, _ in keys]
    if form not in ORDERS or len(set(names)) < len(names) or any(count < 0 for _, count, _ in elements):
        raise BadMesh("its header is wrong: no known format, a name twice or a negative count")
    return form, elements, body.removeprefix(b"\r").removeprefix(b"\n")


def _doubles(body):
    try:
        return np.array(body.split()).astype("<f8").tobytes()
    except ValueError as error:
        raise BadMesh("what follows its header are not all numbers") from error


def _read(elements, body, order):
    """{element: {property: one number a row, or one array a row}}; body: uint8."""
    found, at = {}, 0

    def take(dtype, count):
        nonlocal at
        begin, at = at, at + count * dtype.itemsize
        if at > len(body):
            raise BadMesh(
                f"it is cut short: its header announces {' and '.join(f'{n:,} {name}' for name, n, _ in elements)}"
            )
        return body[begin:at].view(dtype)

    for name, count, properties in elements:
        kinds = [(key, np.dtype(order + kind), size and np.dtype(order + size)) for key, kind, size in properties]
        if not any(size for _, _, size in kinds):
            rows = take(np.dtype([(key, kind) for key, kind, _ in kinds]), count) if kinds else None
            found[name] = {key: rows[key] for key, _, _ in kinds}
            continue
        found[name] = {key: [] for key, _, _ in kinds}
        for _ in range(count):
            for key, kind, size in kinds:
                if size is None:
                    found[name][key].append(take(kind, 1)[0])
                    continue
                length = take(size, 1)[0]
                if not 0 <= length < 2**32 or length != np.floor(length):
                    raise BadMesh(f"a list's length is {length}")
                found[name][key].append(take(kind, int(length)))
    if at < len(body):
        raise BadMesh("it goes on after what its header announces")
    return found
