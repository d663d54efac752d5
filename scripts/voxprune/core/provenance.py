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
from contextlib import suppress
from pathlib import Path
from typing import Any

from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write

SCRIPTS = Path(__file__).resolve().parents[2]
PACKAGES = ("numpy", "torch", "safetensors", "numba", "nvidia-ml-py",
            "onnx", "onnxruntime", "openvino", "zeus")  # fmt: skip


def code_hash(stage: str, *files: str | Path) -> str:
    """Hash of the code behind `scripts/<stage>.py`: the script, `files`, and every module of voxprune and of the user's own
    that they import, directly or not.

    Comments, docstrings, formatting and file dates don't count.
    """
    digest = hashlib.sha256()
    for path in sorted(imported_files(SCRIPTS / f"{stage}.py", *files)):
        digest.update(_code_and_imports(path)[0])
    return digest.hexdigest()[:16]


def imported_files(*files: str | Path) -> set[Path]:
    """These files of code, and every module of voxprune and of the user's own that they import, directly or not."""
    found: set[Path] = set()
    for path in files:
        _add_imported(Path(path), found)
    return found


def own_module_file(module: str) -> list[Path]:
    """The file of a module of the user's own, below this folder or one of PYTHONPATH; an empty list where there is none."""
    found = (_module_file(folder, module.split(".")) for folder in _own_folders())
    return list(filter(None, found))[:1]


def _own_folders():
    return [Path.cwd(), *map(Path, filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))]


def _add_imported(path, found):
    if path not in found:
        found.add(path)
        for module in _code_and_imports(path)[1]:
            _add_imported(module, found)


@functools.cache
def _code_and_imports(path):
    """(hash of a file's code, the files of the modules that it imports).

    Reading the code takes a second for all files of a workflow, so what was read lies beside Python's own compiled code.
    """
    content = path.read_bytes()
    read, key = path.parent / "__pycache__" / f"{path.stem}.imports.json", hashlib.sha256(content).hexdigest()
    try:
        known = json.loads(read.read_text())
    except (OSError, ValueError):
        known = {}
    if known.get("content") != key or known.get("python") != sys.version:
        known = {"content": key, "python": sys.version, **_read_code(content)}
        _remember(read, known)
    files = (file for modules, level in known["imports"] for file in _files_of(modules, level, path))
    return known["code"].encode(), sorted(set(files))


def _remember(path, known):
    """Writes what was read of a file of code; where the code's folder can't be written it is read again each time."""
    with suppress(OSError, InputError), atomic_write(path) as temporary:
        temporary.write_text(json.dumps(known))


def _read_code(content):
    """code: hash of the syntax tree without docstrings; imports: of each import statement the modules that it may name, each in
    parts, and how many folders up from its own package it looks, 0 for an absolute one."""
    tree, imports = ast.parse(content), []
    for node in [tree, *_statements(tree)]:
        if isinstance(node, ast.Import):
            imports.append(([alias.name.split(".") for alias in node.names], 0))
        elif isinstance(node, ast.ImportFrom):
            package = node.module.split(".") if node.module else []
            imports.append(([[*package, alias.name] for alias in node.names], node.level))
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and ast.get_docstring(node, clean=False) is not None
        ):
            del node.body[0]
    return {"code": hashlib.sha256(ast.dump(tree).encode()).hexdigest(), "imports": imports}


def _statements(node):
    """Every statement below a node of a syntax tree, depth first. Leaving out expressions makes this 20 times as fast as ast.walk."""
    for block in ("body", "handlers", "orelse", "finalbody", "cases"):
        for statement in getattr(node, block, ()):
            yield statement
            yield from _statements(statement)


def _files_of(modules, level, path):
    """The files that an import statement in the file `path` brings in: of voxprune, and of the user's own beside it."""
    if level:
        folders = [path.parents[level - 1]]
    else:
        folders = [SCRIPTS] if path.is_relative_to(SCRIPTS) else [SCRIPTS, path.parent, *_own_folders()]
    found = (_module_file(folder, module) or _module_file(folder, module[:-1]) for module in modules for folder in folders)
    return filter(None, found)


def _module_file(folder, module):
    """The file of a module below a folder, None where there is none. module: its name in parts, such as ["nets", "blocks"]."""
    place = Path(folder, *module)
    files = (place.with_name(f"{place.name}.py"), place / "__init__.py") if module else ()
    return next((file for file in files if file.is_file()), None)


def settings_hash(settings: Any) -> str:
    """Hash of plain settings (dicts, lists, strings, numbers), independent of the order of keys."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on; only those installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def hardware() -> dict:
    """Processor, cores this process may use, and the GPU that torch uses (None without)."""
    torch: Any = sys.modules.get("torch")
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


def git_commit() -> str | None:
    """The commit of the code, `-dirty` appended where files differ from it; None outside a git checkout."""
    command = ["git", "-C", str(SCRIPTS), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
