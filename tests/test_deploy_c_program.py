"""classify.c: the cells of the Python voxelizer to the bit, the class of the network, one sentence for every damaged mesh."""

import functools
import json
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import nets
from voxprune.datasets.furniture import make
from voxprune.datasets.furniture_classes import MAKERS
from voxprune.deploy.c_code import c_files
from voxprune.deploy.folder import C_PROGRAM
from voxprune.meshes.read import read_mesh, write_off
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method
from voxprune.settings.voxels import Grid
from voxprune.voxels import voxelize

COMPILER = shutil.which("gcc") or shutil.which("cc")
pytestmark = pytest.mark.skipif(
    COMPILER is None or shutil.which("make") is None,
    reason="no C compiler or no make is installed, so classify.c can't be built",
)
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all"
SANITIZED = f"-O0 -g -Wall -Wextra -pedantic -Werror {SANITIZERS}"
GRIDS = {
    "plain": Grid(16), "padded solid": Grid(17, occupancy="solid", padding=2), "corner": Grid(16, "corner", up="y"),
    "scaled": Grid(16, scale=4.0, up="x"),
}  # fmt: skip
C_FOLDER = next(path.parent for path in C_PROGRAM if path.name == "mesh.c")
NUMBERS = """#include "mesh.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **words)
{
    for (int n = 1; n < count; n++) {
        char *end, *ends;
        const double found = mesh_number(words[n], &end), expected = strtod(words[n], &ends);
        if (!memcmp(&found, &expected, sizeof found) && end == ends) continue;
        puts(words[n]);
        return 1;
    }
    return 0;
}
"""
FUZZED = 600  # damaged files, one process for all of a batch


class Small(nn.Module):
    """Which of 27 parts of the grid are filled, and a Linear layer: quick to compile."""

    def __init__(self, resolution):
        super().__init__()
        torch.manual_seed(0)
        self.pool, self.fc = nn.AdaptiveAvgPool3d(3), nn.Linear(27, 3)
        self.description = {"resolution": resolution, "classes": ["a", "b", "c"]}

    def forward(self, x):
        return 9 * self.fc(self.pool(x).flatten(1))


@functools.cache
def sanitizes(compiler):
    """Whether a compiler is installed whose programs run under the sanitizers; some systems lack its libraries."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "empty"
        command = [compiler, *SANITIZERS.split(), "-x", "c", "-", "-o", program]
        made = shutil.which(compiler) and subprocess.run(command, input=b"int main(void) { return 0; }", capture_output=True)
        return bool(made) and made.returncode == 0 and subprocess.run([program], capture_output=True).returncode == 0


def built(folder, network, grid, compiler, *settings):
    """The program of a network, built under the sanitizers."""
    if not sanitizes(compiler):
        pytest.skip(f"{compiler} is not installed or has no address and undefined-behaviour sanitizers")
    for file, text in c_files(network, grid, ["a", "b", "c"]).items():
        (folder / file).write_text(text)
    for path in C_PROGRAM:
        shutil.copyfile(path, folder / path.name)
    make_it = ["make", "-s", f"CC={compiler}", f"CFLAGS={SANITIZED}", f"LDFLAGS={SANITIZERS}", *settings]
    done = subprocess.run(make_it, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:4000]
    return folder / "classify"


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """{name of a grid: the program}."""
    return {
        name: built(tmp_path_factory.mktemp("program"), Small(grid.resolution).eval(), grid, COMPILER, "PORTABLE=1")
        for name, grid in GRIDS.items()
    }


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, errors="replace")


def cells(program, *paths):
    """What `--voxels` prints: a line of 0 and 1 for each mesh."""
    done = run(program, "--voxels", *paths)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def expected_cells(mesh, grid):
    return "".join(map(str, voxelize.voxelize(mesh, grid)[0].ravel().astype(int)))


def triangles_in_stl(mesh, path, text):
    """Writes the triangles of a mesh; in binary they become float32, which the meshes here are already."""
    corners = mesh.vertices[mesh.triangles].astype(np.float32)
    if text:
        facets = ["facet normal 0 0 0\nouter loop\n" + "".join("vertex %.17g %.17g %.17g\n" % tuple(point) for point in one)
                  + "endloop\nendfacet\n" for one in corners.tolist()]  # fmt: skip
        path.write_text("solid vertex of facets\n" + "".join(facets) + "endsolid vertex of facets\n")
    else:
        rows = b"".join(struct.pack("<12fH", 0, 0, 0, *one.ravel().tolist(), 0) for one in corners)
        path.write_bytes(b"solid but binary".ljust(80) + struct.pack("<I", len(corners)) + rows)


# ---- the same cells --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GRIDS)
def test_cells_of_furniture_are_those_of_python(programs, name, tmp_path):
    """Quads and polygons among them."""
    paths = [tmp_path / f"{kind}.off" for kind in MAKERS]
    for kind, path in zip(MAKERS, paths):
        vertices, faces = make(kind, 1, 0)
        write_off(path, vertices / np.ptp(vertices, axis=0).max() * 3.9, faces)
    assert cells(programs[name], *paths) == [expected_cells(read_mesh(path), GRIDS[name]) for path in paths]


@pytest.mark.parametrize("name", GRIDS)
def test_cells_of_stl_are_those_of_python(programs, name, tmp_path):
    """In text and binary: of the same triangles in an OFF that names each corner alone."""
    rng, paths, expected = np.random.default_rng(3), [], []
    for number in range(12):
        size = rng.uniform(0.1, 0.3)
        points = (rng.integers(-3, 4, (9, 3)) if number % 2 else rng.normal(size=(9, 3))) * size
        write_off(tmp_path / f"{number}.off", points, rng.integers(0, 9, (20, 3)).tolist())
        mesh = read_mesh(tmp_path / f"{number}.off")
        mesh = mesh._replace(vertices=mesh.vertices[mesh.triangles].reshape(-1, 3), triangles=np.arange(60).reshape(-1, 3))
        for text in (True, False):
            paths.append(tmp_path / f"{number}{text}.stl")
            triangles_in_stl(mesh, paths[-1], text)
            expected.append(expected_cells(read_mesh(paths[-1]), GRIDS[name]))
    assert cells(programs[name], *paths) == expected


def test_concave_polygons(programs, tmp_path):
    """A star and an L, flat: any cut into triangles covers the same."""
    angles = np.arange(10) * np.pi / 5
    star = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1) * np.where(np.arange(10) % 2, 0.4, 1)[:, None]
    shape = np.array([(0, 0, 0), (4, 0, 0), (4, 1, 0), (1, 1, 0), (1, 3, 0), (0, 3, 0)])
    for name, points in (("star", star), ("l", shape)):
        write_off(tmp_path / f"{name}.off", points, [list(range(len(points)))])
        mesh = read_mesh(tmp_path / f"{name}.off")
        assert cells(programs["plain"], tmp_path / f"{name}.off") == [expected_cells(mesh, Grid(16))]


VARIANTS = {
    "glued": lambda text: text.replace("OFF\n", "OFF"),
    "comments": lambda text: "# a cube\n" + text.replace("8 6 0\n", "8 6 0 # counts\n\n"),
    "windows": lambda text: text.replace("\n", "\r\n"),
    "old macs": lambda text: text.replace("\n", "\r"),
    "colours": lambda text: text.replace("OFF", "COFF").replace("4 0 3 2 1", "4 0 3 2 1 255 0 0"),
    "byte order mark": lambda text: "\ufeff" + text,
    "no edges": lambda text: text.replace("8 6 0", "8 6"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_off_as_it_is_met_in_the_wild(programs, cube, variant):
    cube.write_text(VARIANTS[variant](cube.read_text()), newline="")
    assert cells(programs["plain"], cube) == [expected_cells(read_mesh(cube), Grid(16))]


def test_numbers_in_any_notation(programs, tmp_path):
    """Rounded as Python rounds them: plain decimals, exponents, more digits than a double holds."""
    words = ["0.1", "-.5", "5.", "+1", "1e-1", "2.5E0", "1.23456789012345678", "-0.000000000000000001", "007", "123456789012345e-14",
             "0.30000000000000004", "-2.675", "1.005", "0.615", "3", "-1.5e+00", "2.500000e-16", "7e-400", "1E+000",
             "3.1e-1", "12e-1"]  # fmt: skip
    rng, paths = np.random.default_rng(0), [tmp_path / f"{number}.off" for number in range(30)]
    for path in paths:
        rows = [" ".join(rng.choice(words, 3)) for _ in range(9)]
        rows += ["%.17g %.15g %.7f" % tuple(rng.normal(size=3)) for _ in range(9)]
        faces = [f"3 {a} {b} {c}" for a, b, c in rng.integers(0, 18, (20, 3))]
        path.write_text("\n".join(["OFF", "18 20 0", *rows, *faces]) + "\n")
    assert cells(programs["plain"], *paths) == [expected_cells(read_mesh(path), Grid(16)) for path in paths]


def test_a_number_is_the_one_that_strtod_gives(tmp_path):
    """To the last bit: with exponents, and beyond what the fast way can do."""
    rng = np.random.default_rng(0)
    words = [form % number for number in (rng.normal(size=400) * 10.0 ** rng.integers(-20, 20, 400)).tolist()
             for form in ("%.17g", "%.15g", "%.8e", "%.6e", "%E", "%.9g")]  # fmt: skip
    words += [
        "1e15",
        "1e16",
        "1e-15",
        "1e-16",
        "123456789012345e15",
        "1e9999",
        "1e99999999999",
        "1e",
        "1e+",
        "e5",
        ".",
        "-",
        ".e1",
        "5.e1",
    ]
    (tmp_path / "numbers.c").write_text(NUMBERS)
    command = [COMPILER, "-std=c99", "-O1", "-ffp-contract=off", f"-I{C_FOLDER}", tmp_path / "numbers.c", C_FOLDER / "mesh.c",
               C_FOLDER / "off.c", C_FOLDER / "stl.c", "-lm", "-o", tmp_path / "numbers"]  # fmt: skip
    subprocess.run(command, check=True)
    done = subprocess.run([tmp_path / "numbers", *words], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout} is read differently"


def test_a_face_may_go_on_over_lines(programs, cube):
    plain = expected_cells(read_mesh(cube), Grid(16))
    cube.write_text(cube.read_text().replace("4 0 3 2 1", "4 0\n3\n2 1").replace("4 3 0 4 7", "4\n\n3 0\n4 7"))
    assert cells(programs["plain"], cube) == [plain]


# ---- the answer ------------------------------------------------------------------------------------------------------


def test_class_and_confidence_are_those_of_the_network(programs, cube):
    network = Small(16).eval()
    with torch.inference_mode():
        inputs = torch.from_numpy(voxelize.voxelize(read_mesh(cube), Grid(16))[:, None].astype(np.float32))
        shares = network(inputs).softmax(dim=1)[0]
    done = run(programs["plain"], "--json", "--bench", cube, cube)
    found = json.loads(done.stdout)
    assert done.returncode == 0 and len(found) == 2 and found[0]["file"] == str(cube)
    assert found[0]["class"] == "abc"[int(shares.argmax())]
    assert abs(found[0]["confidence_percent"] - 100 * float(shares.max())) < 1e-3
    latency = found[0]["bench"]["latency_ms"]
    assert 0 < latency["min"] <= latency["p50"]
    assert f": {found[0]['class']} (" in run(programs["plain"], cube).stdout


def test_names_of_files_may_be_anything(programs, cube):
    path = cube.rename(cube.parent / 'a "b"\\ü.OFF')
    [found] = json.loads(run(programs["plain"], "--json", "--", path).stdout)
    assert found["file"] == str(path)


# ---- damaged meshes --------------------------------------------------------------------------------------------------

BAD = {
    "empty.off": b"", "nothing.stl": b" \n", "no faces.off": b"OFF\n3 0 0\n0 0 0\n1 0 0\n0 1 0\n",
    "index.off": b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 3\n", "negative.off": b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 -1\n",
    "cut.off": b"OFF\n3 2 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n", "goes on.off": b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n3 0 1 2\n",
    "word.off": b"OFF\n3 1 0\n0 0 x\n1 0 0\n0 1 0\n3 0 1 2\n", "nan.off": b"OFF\n3 1 0\n0 0 nan\n1 0 0\n0 1 0\n3 0 1 2\n",
    "point.off": b"OFF\n3 1 0\n1 1 1\n1 1 1\n1 1 1\n3 0 1 2\n", "huge.off": b"OFF\n99999999999 1 0\n0 0 0\n",
    "binary.off": b"OFF BINARY\n\0\0\0", "four.off": b"4OFF\n1 1 0\n", "size.off": b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n999999999 0 1 2\n",
    "cut.stl": b"solid x\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\n", "short.stl": b"\0" * 50,
    "quads.stl": b"solid\nfacet normal 0 0 1\nouter loop\n" + b"vertex 0 0 0\n" * 4 + b"endloop\nendfacet\nendsolid\n",
    "count.stl": b"\0" * 80 + struct.pack("<I", 2**32 - 1) + b"\0" * 50, "form.obj": b"v 0 0 0\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_damaged_mesh_gives_one_sentence(programs, name, tmp_path):
    (tmp_path / name).write_bytes(BAD[name])
    done = run(programs["plain"], tmp_path / name)
    assert done.returncode == 1 and not done.stdout and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"classify: {tmp_path / name}: ")


def test_what_is_too_large_or_missing(programs, cube, tmp_path):
    cube.write_text(cube.read_text().replace("0 0 1", "0 0 9"))
    assert "its longest side is 9, more than the 4 that fill the grid" in run(programs["scaled"], cube).stderr
    assert "none.off: it can't be opened" in run(programs["plain"], tmp_path / "none.off").stderr
    assert run(programs["plain"]).returncode == 2


def damaged(content, rng):
    """Content with some bytes changed, cut out, doubled or replaced by numbers that readers stumble over."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        at, size = (int(number) for number in rng.integers(0, max(1, len(content)), 2))
        word = [b"-1", b"1e308", b"nan", b"99999999999999999999", b"\0", b"#", b"0x1", b" ", b"\n", b"3"][rng.integers(10)]
        part = content[at : at + size % 40]
        content[at : at + int(rng.integers(0, 3))] = [word, bytes(part), b"", bytes([rng.integers(256)])][rng.integers(4)]
    return bytes(content)


def damaged_files(folder, cube, count):
    """Files damaged from a cube in OFF and in both kinds of STL."""
    rng, mesh = np.random.default_rng(0), read_mesh(cube)
    triangles_in_stl(mesh, folder / "text.stl", True)
    triangles_in_stl(mesh, folder / "binary.stl", False)
    seeds = [cube, folder / "text.stl", folder / "binary.stl"]
    paths = [folder / f"damaged{number}{seeds[number % 3].suffix}" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(damaged(seeds[number % 3].read_bytes(), rng))
    return paths


def assert_each_is_answered(program, paths):
    """No crash, no hang, nothing that the sanitizers object to; each file is named or classified."""
    environment = {**os.environ, "ASAN_OPTIONS": "allocator_may_return_null=1"}
    done = subprocess.run([program, *paths], capture_output=True, timeout=300, env=environment)
    assert done.returncode in (0, 1), done.stderr[-4000:]
    assert done.stdout.count(b"network ") + done.stderr.count(b"classify: ") == len(paths)


def test_damaged_files_end_well(programs, cube, tmp_path):
    paths = damaged_files(tmp_path, cube, FUZZED)
    for program in programs.values():
        assert_each_is_answered(program, paths)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", ["original", "resnet3d"])
def test_real_networks_are_clean_with_the_vectors_of_this_processor(name, compiler, cube, tmp_path):
    """Which load and store more at a time than plain ones, so that they could reach beyond an array."""
    sample = Sample(torch.ones(3, 1, 16, 16, 16), torch.arange(3), 0)
    network = prune(nets.build(name), Method("filter", "l1", "layer", "remove"), 75, sample)[0].eval()
    program = built(tmp_path, network, Grid(16), compiler)
    assert_each_is_answered(program, [cube, *damaged_files(tmp_path, cube, 90)])
    assert run(program, "--bench", "--json", cube).returncode == 0
