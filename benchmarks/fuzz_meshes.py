"""Fuzzing the mesh readers: damaged and made-up files, read and voxelized; .off compared with an obvious reader.

usage: python benchmarks/fuzz_meshes.py [--minutes 10] [--seed 0]     stops at the first crash, hang or wrong grid

Every file must end in one sentence (InputError) or in a mesh, within 10 seconds, and no mesh in an empty grid. What an .off
file gives must be what reading line by line in plain Python gives. One file in five is of another format.
"""

import argparse
import sys
import time
import warnings
from collections import Counter
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import trimesh
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / folder) for folder in ("scripts", "tests")]
from test_off import CUBES, L_SHAPE, REFUSED, TRIANGLE

from voxprune.core.errors import InputError
from voxprune.meshes.read import read_mesh
from voxprune.settings.voxels import Grid
from voxprune.voxels.voxelize import voxelize

SOURCES = [*CUBES.values(), TRIANGLE, L_SHAPE, *(text for text, _ in REFUSED.values())]
PIECES = ["-", "+", "9", "0", ".", "e", " ", "\n", "\r", "\t", "#", "nan", "inf", "1e309", "1e-320", "0x10", "1_0", "٣", "\0", "\ufeff",
          "OFF", "C", "N", "3 0 1 2\n", "0 0 0\n", "4 0 1 2 3\n", "2147483648", "9" * 20, "\ufffd"]  # fmt: skip


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


OTHERS = {}  # ending: a cube, filled by main
OFF = st.one_of(made_up(), st.sampled_from(SOURCES).map(str.encode))


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


def obvious(content):
    """(vertices, faces) of an .off file whose header is OFF and counts, read in the most obvious way."""
    text = content.decode("latin-1").removeprefix("ï»¿").replace("\r\n", "\n").replace("\r", "\n")
    lines = [line.split("#")[0].split() for line in text.split("\n")]
    words = [line for line in lines if line]
    while "OFF" not in "".join(words[0])[-3:] and not words[0][0].rstrip("0123456789").endswith("OFF"):
        raise AssertionError(f"read, but doesn't begin with OFF: {content!r}")
    head = words[0][0].rstrip("0123456789")
    first = [words[0][0][len(head) :], *words[0][1:]] if len(words[0]) > 1 or words[0][0] != head else None
    counts = [word for word in first if word] if first else words[1]
    rest = words[1:] if first else words[2:]
    vertices = [list(map(float, line[:3])) for line in rest[: int(counts[0])]]
    faces = [list(map(int, line[1 : int(line[0]) + 1])) for line in rest[int(counts[0]) :]]
    assert len(vertices) == int(counts[0]) and len(faces) == int(counts[1]), f"counts differ: {content!r}"
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
    assert voxelize(mesh, Grid(8, padding=0)).any(), f"an empty grid: {content!r}"
    endings["voxelized"] += 1


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
        for ending in (".obj", ".stl", ".ply", ".gltf", ".glb"):
            cube = trimesh.creation.box().export(
                file_type=ending[1:], **({"embed_buffers": True} if ending == ".gltf" else {})
            )
            cube = cube["model.gltf"] if ending == ".gltf" else cube
            OTHERS[ending] = cube.encode() if isinstance(cube, str) else cube
        others = st.sampled_from(sorted(OTHERS)).flatmap(
            lambda ending: st.tuples(st.just(ending), damaged(st.just(OTHERS[ending])))
        )
        offs = st.tuples(st.just(".off"), st.one_of(made_up(), damaged()))
        while time.monotonic() - started < 60 * options.minutes:

            @with_seed(options.seed + round_number)
            @settings(max_examples=2000, deadline=timedelta(seconds=10), database=None, phases=[Phase.generate, Phase.shrink],
                      suppress_health_check=list(HealthCheck))  # fmt: skip
            @given(st.one_of(offs, offs, offs, offs, others))
            def fuzz(file):
                check(Path(folder) / f"mesh{file[0]}", file[1], endings)

            fuzz()
            round_number += 1
            print(f"{(time.monotonic() - started) / 60:4.1f} minutes: {dict(endings)}", flush=True)


if __name__ == "__main__":
    main()
