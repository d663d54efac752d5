"""Where a result comes from: code, data, versions, machine, time. Imports nothing heavy."""

import ast
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
PACKAGES = ("numpy", "torch", "torch-pruning", "safetensors", "numba", "trimesh", "nvidia-ml-py",
            "onnx", "onnxruntime", "openvino", "zeus")  # fmt: skip


def code_hash(stage):
    """Hash of the code behind `scripts/<stage>.py`: the script and every voxprune module it imports, directly or not.

    Comments, formatting and file dates don't count.
    """
    digest = hashlib.sha256()
    for path in sorted(_imported(SCRIPTS / f"{stage}.py", set())):
        digest.update(_tree(path)[0])
    return digest.hexdigest()[:16]


def _imported(path, seen):
    if path not in seen:
        seen.add(path)
        for module in _tree(path)[1]:
            _imported(SCRIPTS / "voxprune" / f"{module}.py", seen)
    return seen


@functools.cache
def _tree(path):
    """The syntax tree of a file as bytes, and the voxprune modules it imports."""
    tree, modules = ast.parse(path.read_text()), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "voxprune":
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("voxprune."):
            modules.add(node.module.split(".")[1])
    return ast.dump(tree).encode(), sorted(modules)


def settings_hash(settings):
    """Hash of plain settings (dicts, lists, strings, numbers), independent of the order of keys."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def versions():
    """Versions of Python and of the packages that results depend on; only those installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def hardware():
    """Processor, cores this process may use, and the GPU that torch uses (None without)."""
    torch = sys.modules.get("torch")
    cuda = torch is not None and torch.cuda.is_available()
    return {
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if cuda else None,
    }


def _cpu_name():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def git_commit():
    """The commit of the code, `-dirty` appended where files differ from it; None outside a git checkout."""
    command = ["git", "-C", str(SCRIPTS), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
