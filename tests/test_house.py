"""The house: packages follow the data, modules and functions stay small, public functions of the core say their types."""

import ast

import pytest

from conftest import ROOT

LIBRARY = ROOT / "scripts/voxprune"
# Along the data: a package imports only itself and those before it. Settings may be used by all but core.
PACKAGES = (
    "core", "settings", "meshes", "datasets", "voxels", "networks", "training", "pruning", "measurement", "answer", "deploy", "report",
)  # fmt: skip
TYPED = ("core", "settings", "pruning", "measurement", "answer")
MODULES = sorted(path for path in LIBRARY.rglob("*.py"))
CODE = [*MODULES, *sorted((ROOT / "scripts").glob("*.py")), *sorted((ROOT / "benchmarks").glob("*.py"))]
LONGEST_MODULE, LONGEST_FUNCTION = 350, 50


def package_of(path):
    return path.relative_to(LIBRARY).parts[0]


def imported_packages(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("voxprune."):
            yield node.module.split(".")[1]


def functions(path):
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]


def test_every_package_has_its_place():
    assert {package_of(path) for path in MODULES if path.parent != LIBRARY} == set(PACKAGES)


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent != LIBRARY], ids=lambda path: path.stem)
def test_a_package_imports_only_those_before_it(path):
    allowed = PACKAGES[: PACKAGES.index(package_of(path)) + 1]
    assert not [name for name in imported_packages(path) if name not in allowed]


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.stem)
def test_modules_and_functions_stay_small(path):
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE
    long = {one.name: one.end_lineno - one.lineno + 1 for one in functions(path)}
    assert not {name: length for name, length in long.items() if length > LONGEST_FUNCTION}


def test_public_functions_say_their_types():
    paths = [path for path in MODULES if package_of(path) in TYPED]
    untyped = [
        f"{path.relative_to(LIBRARY)}: {one.name}"
        for path in paths
        for one in ast.parse(path.read_text()).body
        if isinstance(one, ast.FunctionDef) and not one.name.startswith("_") and not is_typed(one)
    ]
    assert not untyped


def is_typed(function):
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return function.returns is not None and all(argument.annotation for argument in arguments)
