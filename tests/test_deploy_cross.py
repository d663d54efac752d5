"""The C program built for other processors and run under user-mode emulation: right answers, no claim about speed.

Needs a compiler for the processor, zig (`pip install ziglang`) or Debian's gcc-<processor>, and qemu-user.
"""

import importlib.util
import json
import shutil
import subprocess
import sys

import pytest

import nets
from voxprune.deploy.c_code import c_files
from voxprune.deploy.folder import C_PROGRAM
from voxprune.settings.voxels import Grid

GRID = Grid(8, occupancy="solid", padding=1)
PROCESSORS = {  # name as qemu-user has it: zig's target, and the beginning of the names of Debian's cross compilers
    "aarch64": ("aarch64-linux-musl", "aarch64-linux-gnu"), "arm": ("arm-linux-musleabihf", "arm-linux-gnueabihf"),
    "riscv64": ("riscv64-linux-musl", "riscv64-linux-gnu"),
}  # fmt: skip


def compiler(target, prefix):
    if importlib.util.find_spec("ziglang"):
        return f"{sys.executable} -m ziglang cc -target {target}"
    zig = shutil.which("zig") or shutil.which("python-zig")
    return f"{zig} cc -target {target}" if zig else shutil.which(f"{prefix}-gcc")


def built(folder, *settings):
    """The program for a small network, and the same folder's voxels and weights for every processor."""
    folder.mkdir()
    for file, text in c_files(nets.build("resnet3d", resolution=8), GRID, ["a", "b", "c"]).items():
        (folder / file).write_text(text)
    for path in C_PROGRAM:
        shutil.copyfile(path, folder / path.name)
    done = subprocess.run(["make", "-s", "PORTABLE=1", "CFLAGS=-O1 -Wall -Wextra -pedantic -Werror", *settings], cwd=folder, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr[:4000]
    return folder / "classify"


@pytest.mark.skipif(
    shutil.which("make") is None or shutil.which("cc") is None, reason="no C compiler or no make is installed"
)
@pytest.mark.parametrize("processor", PROCESSORS)
def test_another_processor_gives_the_same_cells_and_class(processor, cube, tmp_path):
    emulator = shutil.which(f"qemu-{processor}") or shutil.which(f"qemu-{processor}-static")
    command = compiler(*PROCESSORS[processor])
    if not emulator or not command:
        pytest.skip(f"no compiler for {processor} (pip install ziglang) or no qemu-user is installed")
    programs = [[built(tmp_path / "here")], [emulator, built(tmp_path / "there", f"CC={command}", "LDFLAGS=-static")]]
    cells = [subprocess.run([*program, "--voxels", cube], capture_output=True, check=True).stdout for program in programs]
    assert cells[0] == cells[1] and b"1" in cells[0]
    here, there = (
        json.loads(subprocess.run([*program, "--json", cube], capture_output=True, check=True).stdout)[0]
        for program in programs
    )
    assert here["class"] == there["class"] and abs(here["confidence_percent"] - there["confidence_percent"]) < 1e-3
