"""The PLY format, in text and binary: every element is read as the header says it, so that nothing can be missing.

Turk's description: https://paulbourke.net/dataformats/ply/.
"""

import re
import struct
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from voxprune.meshes.polygons import BadMesh, check_corners, triangulate

ENDINGS = [".ply"]
SINGLE = False  # whether Open3D reads its coordinates in single precision

TYPES = {"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8",
         "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4",
         "float64": "f8"}  # fmt: skip
ORDERS = {"ascii": "<", "binary_little_endian": "<", "binary_big_endian": ">"}
CORNERS = ("vertex_indices", "vertex_index")  # what a face's list is called
LAST_LINE = {  # of a header, by the end of its first line
    end: re.compile(rb"[\r\n]end_header" + behind)
    for end, behind in ((b"\n", rb"[ \t\r]*\n"), (b"\r\n", rb"[ \t]*\r?\n"), (b"\r", rb"[ \t]*\r"))
}


class Column(NamedTuple):
    """A property of all rows of an element. lengths: of each row's list, int64; None where it's no list."""

    numbers: np.ndarray
    lengths: np.ndarray | None


def parse(path):
    """`parse_ply` of a file."""
    return parse_ply(path.read_bytes())


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
    axes = [found.get("vertex", {}).get(axis) for axis in "xyz"]
    if any(axis is None or axis.lengths is not None for axis in axes):
        raise BadMesh("it has no vertices with x, y and z")
    vertices = np.stack([axis.numbers.astype(float) for axis in axes], axis=1)
    sizes, corners = _polygons(found.get("face", {}))
    check_corners(corners, len(vertices))
    return vertices, triangulate(vertices, sizes, corners)


def _polygons(face):
    """(sizes, corners), int64, of the faces of three or more corners; face: its columns."""
    lists = [face[key] for key in CORNERS if key in face and face[key].lengths is not None]
    sizes, corners = (lists[0].lengths, lists[0].numbers) if lists else (np.empty(0, np.int64), np.empty(0))
    if not (np.abs(corners) < 2**62).all() or (corners != np.floor(corners)).any():
        raise BadMesh("a face's corner is not a whole number")
    return sizes[sizes > 2], corners[np.repeat(sizes > 2, sizes)].astype(np.int64)


def _header(content):
    """(form, elements, the bytes that follow); an element is (name, count, properties), a property (name, type, type of the
    list's length, None where it's no list)."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    begin = re.match(rb"ply[ \t]*(\r\n|\r|\n)", content)
    end = begin and LAST_LINE[begin[1]].search(content)  # after a lone \r, a byte \n belongs to what follows
    if not end:
        raise BadMesh("it doesn't begin with the header of a PLY" if content.strip() else "it is empty")
    lines = [line.split() for line in content[: end.start()].decode("latin-1").splitlines()]
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
    return form, elements, content[end.end() :]


def _doubles(body):
    try:
        return np.fromstring(body, sep=" ").tobytes() if body.strip() else b""
    except ValueError as error:
        raise BadMesh("what follows its header are not all numbers") from error


def _read(elements, body, order):
    """{element: {property: Column}}; body: uint8."""
    found, at = {}, 0
    for name, count, properties in elements:
        kinds = [
            (key, np.dtype(order + kind), size and struct.Struct(order + np.dtype(size).char))
            for key, kind, size in properties
        ]
        try:
            tables, at = _rows(body, at, kinds, count) if kinds and count else ([], at)
        except struct.error as error:
            announced = " and ".join(f"{n:,} {element}" for element, n, _ in elements)
            raise BadMesh(f"it is cut short: its header announces {announced}") from error
        found[name] = {key: _column(tables, key, kind, count, size) for key, kind, size in kinds}
    if at < len(body):
        raise BadMesh("it goes on after what its header announces")
    return found


def _rows(body, at, kinds, count):
    """([(numbers of rows, structured array of them)], where they end): rows whose lists are equally long stand together.

    Raises struct.error where body is too short.
    """
    content, least = memoryview(body), sum(size.size if size else kind.itemsize for _, kind, size in kinds)
    if count * least > len(body) - at:
        raise struct.error("cut short")
    lengths, end = _row(content, at, kinds)
    table = body[at : at + count * (end - at)]
    if len(table) == count * (end - at):
        table = table.view(_row_type(kinds, lengths))
        if all((table[f"{key} length"] == table[0][f"{key} length"]).all() for key, _, size in kinds if size):
            return [(slice(None), table)], at + table.nbytes
    begins, lengths = [at], []
    while len(lengths) < count:
        row, at = _row(content, begins[-1], kinds)
        begins.append(at)
        lengths.append(row)
    begins, (classes, which) = np.array(begins), np.unique(lengths, axis=0, return_inverse=True)
    groups = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
    kinds_of_rows = [_row_type(kinds, row) for row in classes.tolist()]
    return [(g, sliding_window_view(body, k.itemsize)[begins[g]].view(k)[:, 0]) for g, k in zip(groups, kinds_of_rows)], at


def _row(body, at, kinds):
    """(the lengths of the lists in the row that begins at a byte, where it ends). Raises struct.error where body ends before."""
    lengths = []
    for _, kind, size in kinds:
        length = 1
        if size:
            length = size.unpack_from(body, at)[0]
            if not 0 <= length < 2**32 or length % 1:
                raise BadMesh(f"a list's length is {length}")
            lengths.append(int(length))
            at += size.size
        at += int(length) * kind.itemsize
    if at > len(body):
        raise struct.error("cut short")
    return lengths, at


def _row_type(kinds, lengths):
    fields, lengths = [], iter(lengths)
    for key, kind, size in kinds:
        fields += [(f"{key} length", size.format), (key, kind, (next(lengths),))] if size else [(key, kind)]
    return np.dtype(fields)


def _column(tables, key, kind, count, size):
    if not size:
        numbers = np.empty(count, kind)
        for rows, table in tables:
            numbers[rows] = table[key]
        return Column(numbers, None)
    lengths = np.zeros(count, dtype=np.int64)
    for rows, table in tables:
        lengths[rows] = table[key].shape[1]
    numbers, begins = np.empty(lengths.sum(), kind), np.cumsum(lengths) - lengths
    for rows, table in tables:
        numbers[begins[rows][:, None] + np.arange(table[key].shape[1])] = table[key]
    return Column(numbers, lengths)
