"""The conda environments of the rules (`--sdm conda`): pinned as everything is, and enough for what their commands import."""

import ast
import re
import sys
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import ROOT
from voxprune.core.provenance import imported_files

ENVIRONMENTS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
ONLY_WHERE_ASKED_FOR = {"open3d", "libusb_package"}  # `voxels: {library: open3d}` tells what to install


def pinned(name):
    *_, from_pypi = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())["dependencies"]
    return from_pypi["pip"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_pins_what_the_requirements_pin(name):
    assert set(pinned(name)) <= set((ROOT / "envs/requirements.txt").read_text().split())


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_has_what_the_commands_of_its_rules_import(name):
    installed, distributions = installed_with(pinned(name)), metadata.packages_distributions()
    commands = commands_in(name)
    assert commands
    for command in commands:
        for module in modules_of_others(ROOT / f"scripts/{command}.py") - ONLY_WHERE_ASKED_FOR:
            assert set(map(canonicalize_name, distributions[module])) & installed, f"{command} imports {module}"


def commands_in(environment):
    """The commands of all rules that run in an environment."""
    rules = [rule for path in (ROOT / "rules").glob("*.smk") for rule in re.split(r"\n *rule ", path.read_text())[1:]]
    return {name for rule in rules if f"envs/{environment}.yaml" in rule for name in re.findall(r'stage\("(\w+)"\)', rule)}


def installed_with(requirements):
    """The names of these packages and of all that come with them."""
    found, wanted = set(), list(map(Requirement, requirements))
    while wanted:
        one = wanted.pop()
        if canonicalize_name(one.name) not in found and (one.marker is None or one.marker.evaluate({"extra": ""})):
            found.add(canonicalize_name(one.name))
            wanted += map(Requirement, metadata.requires(one.name) or [])
    return found


def modules_of_others(script):
    """The modules that a command may import, by the first part of their names, but for Python's own and voxprune's."""
    found = set()
    for path in imported_files(script):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    return found - {*sys.stdlib_module_names, "voxprune"}
