"""The Python that a deployed folder carries: its two commands and every module of voxprune that they import."""

import shutil
from pathlib import Path

from voxprune.core.provenance import SCRIPTS, imported_files
from voxprune.meshes.endings import READABLE

COMMANDS = [SCRIPTS / "classify.py", SCRIPTS / "bench_device.py"]


def runtime_files():
    """The files of code that are copied, sorted."""
    readers = {choice.path for choice in READABLE.values()}  # which are found by their folder, not imported by name
    return sorted(imported_files(*COMMANDS, *readers))


def copy_runtime(folder):
    """Copies the commands and what they need of `voxprune/` into a folder; returns the copies' paths, relative to it."""
    paths = runtime_files()
    for path in paths:
        target = Path(folder) / path.relative_to(SCRIPTS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return [str(path.relative_to(SCRIPTS)) for path in paths]
