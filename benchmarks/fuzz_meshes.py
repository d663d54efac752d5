"""Fuzzing the mesh readers: damaged and made-up files, read and voxelized; .off compared with an obvious reader.

usage: python benchmarks/fuzz_meshes.py [--minutes 10] [--seed 0]     stops at the first crash, hang or wrong grid

Every file must end in one sentence (InputError) or in a mesh, within 10 seconds, and no mesh in an empty grid. What an .off
file gives must be what reading it in plain Python gives, and a text .stl the corners that stand in its lines. Half of the files
are of other formats; a glTF is damaged in its bytes or in its JSON.
"""

import argparse
import json
import re
import sys
import time
import warnings
from collections import Counter
from copy import deepcopy
from datetime import timedelta
from functools import reduce
from operator import getitem
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / folder) for folder in ("scripts", "tests")]
from test_mesh_cases import GLTFS, NO_GLTFS, NO_OFFS, NO_STLS, OBJS, OFFS, PLYS, STLS, glb
from test_off import CUBES, L_SHAPE, REFUSED, TRIANGLE

from voxprune.core.errors import InputError
from voxprune.meshes.read import read_mesh
from voxprune.settings.voxels import Grid
from voxprune.voxels.voxelize import voxelize

SOURCES = [*CUBES.values(), *OFFS.values(), TRIANGLE, L_SHAPE, *(text for text, _ in [*REFUSED.values(), *NO_OFFS.values()])]
OTHERS = {
    ".obj": list(OBJS.values()),
    ".ply": list(PLYS.values()),
    ".stl": [*STLS.values(), *(content for content, _ in NO_STLS.values())],
    ".glb": [content for content, _ in [*GLTFS.values(), *NO_GLTFS.values()] if len(content) < 10**5],
}
PIECES = ["-", "+", "9", "0", ".", "e", " ", "\n", "\r", "\t", "#", "nan", "inf", "1e309", "1e-320", "0x10", "1_0", "٣", "\0", "\ufeff",
          "OFF", "C", "N", "3 0 1 2\n", "0 0 0\n", "4 0 1 2 3\n", "2147483648", "9" * 20, "\ufffd", "solid", "endsolid x\n", "facet",
          "vertex 1 2 3\n", "endloop", "end_header", "\\ \n", "f 1 2\n", "\xff\xff"]  # fmt: skip
VALUES = [-1, 0, 1, 2, 3, 7, 0.5, 2.0, 10**6, 10**15, 1e300, float("nan"), float("inf"), True, None, "", "VEC3", "VEC4", "SCALAR", "MAT4",
          "data:,", "/dev/zero", 5120, 5123, 5125, 5126, [], {}, [0], [0, 0], [0, 1, 2], {"POSITION": 0}, [{}]]  # fmt: skip


@st.composite
def made_up(draw):
    """A mesh of few vertices and faces: right, or nearly so."""
    number = st.one_of(st.integers(-2, 3).map(str), st.floats(-9, 9, width=16).map(str))
    vertices = draw(st.lists(st.lists(number, min_size=3, max_size=3), min_size=1, max_size=7))
    corner = st.integers(0, len(vertices) - draw(st.sampled_from([0, 1, 1, 1, 1])))
    faces = draw(st.lists(st.lists(corner, min_size=draw(st.integers(0, 3)), max_size=6), min_size=1, max_size=6))
    colour = draw(st.sampled_from(["", "", " 0.5 1 0", " 7"]))
    head = draw(st.sampled_from(["OFF\n", "OFF\n", "OFF ", "OFF", "COFF\n", "# x\nOFF\n"]))
    counts = f"{len(vertices)} {len(faces)} {draw(st.sampled_from(['0', '', '12']))}"
    lines = [" ".join(vertex) for vertex in vertices] + [" ".join(map(str, [len(face), *face])) + colour for face in faces]
    return (head + "\n".join([counts, *lines]) + draw(st.sampled_from(["", "\n", "\n\n"]))).encode()


def as_bytes(content):
    return content if isinstance(content, bytes) else content.encode()


OFF = st.one_of(made_up(), st.sampled_from(SOURCES).map(as_bytes))


@st.composite
def damaged(draw, contents=OFF):
    content = bytearray(draw(contents))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 4]))):
        place = draw(st.integers(0, len(content)))
        piece = draw(st.one_of(st.binary(max_size=3), st.sampled_from(PIECES).map(str.encode)))
        content[place : place + draw(st.integers(0, 3))] = piece
    if draw(st.integers(0, 9)) == 0:  # lines change places
        content = b"\n".join(draw(st.permutations(content.split(b"\n"))))
    return bytes(content)


def places(model, path=()):
    """The paths of all values in a JSON."""
    yield path
    for key in model if isinstance(model, dict) else range(len(model)) if isinstance(model, list) else ():
        yield from places(model[key], (*path, key))


@st.composite
def changed_gltf(draw):
    """A glTF with one to three values of its JSON changed or left out, or another's in their place."""
    content = draw(st.sampled_from([content for content, _ in GLTFS.values() if content.startswith(b"glTF")]))
    length = int.from_bytes(content[12:16], "little")
    model, buffer = json.loads(content[20 : 20 + length]), content[28 + length :]
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from([path for path in places(model) if path]))
        another = draw(st.sampled_from(list(places(model))))
        holder = reduce(getitem, path, model)
        if isinstance(holder, dict) and draw(st.integers(0, 4)) == 0:
            del holder[last]
        else:
            holder[last] = deepcopy(draw(st.one_of(st.sampled_from(VALUES), st.just(reduce(getitem, another, model)))))
    return glb(model, buffer)


def obvious(content):
    """(vertices, faces) of an .off file, read in the most obvious way."""
    text = content.decode("latin-1").removeprefix("ï»¿").replace("\r\n", "\n").replace("\r", "\n")
    lines = [line.split("#")[0].split() for line in text.split("\n")]
    lines = [line for line in lines if line]
    head = lines[0][0].rstrip("0123456789")
    assert head in ("", *(f"{stands}{'C' * colour}{'N' * normal}OFF" for stands in ("", "ST") for colour in (0, 1) for normal in (0, 1))) or "OFF" in head  # fmt: skip
    lines[0][0] = lines[0][0].removeprefix(head)
    lines = [line for line in ([word for word in line if word] for line in lines) if line]
    if len(lines[0]) not in (2, 3):  # counts and what follows in free lines
        flat = [word for line in lines for word in line]
        lines = [flat[:3], flat[3:]]
    n_vertices, n_faces, rest = int(lines[0][0]), int(lines[0][1]), lines[1:]
    if len(rest) != n_vertices + n_faces:
        flat = [word for line in rest for word in line]
        rest = [flat[3 * i : 3 * i + 3] for i in range(n_vertices)]
        flat = flat[3 * n_vertices :]
        while flat:
            rest.append(flat[: 1 + int(flat[0])])
            flat = flat[1 + int(flat[0]) :]
    vertices = [list(map(float, line[:3])) for line in rest[:n_vertices]]
    faces = [list(map(int, line[1 : int(line[0]) + 1])) for line in rest[n_vertices:]]
    assert len(vertices) == n_vertices and len(faces) == n_faces, f"counts differ: {content!r}"
    return np.array(vertices), [face for face in faces if len(face) > 2]


def check(path, content, endings):
    path.write_bytes(content)
    try:
        mesh = read_mesh(path)
    except InputError as error:
        assert str(path) in str(error) and "\n" not in str(error), error
        endings["refused"] += 1
        return
    if path.suffix == ".off":
        compare(mesh, content)
    if path.suffix == ".stl" and b"\0" not in content:
        compare_corners(mesh, content.lower())
    assert voxelize(mesh, Grid(8, padding=0)).any(), f"an empty grid: {content!r}"
    endings["voxelized"] += 1


def compare_corners(mesh, text):
    """Where every corner of a text .stl has a line of its own, the lines are the mesh."""
    lines = re.split(rb"[\r\n]+", text)
    corners = [line.split()[1:] for line in lines if re.fullmatch(rb"\s*vertex(\s+\S+){3}\s*", line)]
    others = [line for line in lines if b"vertex" in line and line.split()[0] not in (b"solid", b"endsolid")]
    if corners and len(others) == len(corners):
        assert np.array_equal(np.array(corners, dtype=float).reshape(-1, 3), mesh.vertices), f"other corners: {text!r}"


def compare(mesh, content):
    vertices, faces = obvious(content)
    apart = np.abs(mesh.vertices - vertices).max()
    assert apart <= 1e-5 * np.ptp(vertices, axis=0).max(), f"other vertices: {content!r}"
    triangles = sorted(face for face in faces if len(face) == 3)
    found = sorted(mesh.triangles.tolist())
    assert (
        found == triangles
        if len(triangles) == len(faces)
        else {i for face in found for i in face} <= {i for f in faces for i in f}
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("error")
    started, endings, round_number = time.monotonic(), Counter(), 0
    with TemporaryDirectory() as folder:
        others = st.sampled_from(sorted(OTHERS)).flatmap(
            lambda ending: st.tuples(st.just(ending), damaged(st.sampled_from(OTHERS[ending]).map(as_bytes)))
        )
        gltfs = st.tuples(st.sampled_from([".glb", ".gltf"]), changed_gltf())
        offs = st.tuples(st.just(".off"), st.one_of(made_up(), damaged()))
        while time.monotonic() - started < 60 * options.minutes:

            @with_seed(options.seed + round_number)
            @settings(max_examples=2000, deadline=timedelta(seconds=10), database=None, phases=[Phase.generate, Phase.shrink],
                      suppress_health_check=list(HealthCheck))  # fmt: skip
            @given(st.one_of(offs, offs, others, gltfs))
            def fuzz(file):
                check(Path(folder) / f"mesh{file[0]}", file[1], endings)

            fuzz()
            round_number += 1
            print(f"{(time.monotonic() - started) / 60:4.1f} minutes: {dict(endings)}", flush=True)


if __name__ == "__main__":
    main()
