"""The Python that a deployed folder carries: the classifier's command and every module of voxprune that it imports."""

import ast
import shutil
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]


def copy_runtime(folder):
    """Copies `classify.py` and what it needs of `voxprune/` into a folder; returns the copies' paths, relative to it."""
    paths = sorted(imported(SCRIPTS / "classify.py"))
    for path in paths:
        target = Path(folder) / path.relative_to(SCRIPTS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return [str(path.relative_to(SCRIPTS)) for path in paths]


def imported(script):
    """The script and all files of voxprune that it imports, directly or not, anywhere in their code."""
    seen, waiting = set(), [script]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += [found for name in _names(path) for found in _files(name)]
    return seen


def _names(path):
    """Dotted names under voxprune that a file imports: modules, and what it takes from them, which may be modules too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files(name):
    """The files behind a dotted name: its module, and the packages above."""
    if name.split(".")[0] != "voxprune":
        return []
    parts, found = name.split("."), []
    for end in range(1, len(parts) + 1):
        place = SCRIPTS.joinpath(*parts[:end])
        found += [one for one in (place / "__init__.py", place.with_suffix(".py")) if one.is_file()]
    return found
