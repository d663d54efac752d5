"""The conda environments of the rules (`--sdm conda`): pinned as everything is, and enough for what their commands import."""

import ast
import os
import re
import subprocess
import sys
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import QUICK, ROOT, snakemake
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


LESS = """import os, sys
from importlib.machinery import PathFinder

class Less(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in os.environ["ABSENT"].split() else PathFinder.find_spec(name, path, target)

sys.meta_path[:] = [Less if finder is PathFinder else finder for finder in sys.meta_path]
"""


@pytest.mark.slow
def test_every_command_runs_with_what_its_environment_has_and_nothing_else(copy, tmp_path):
    """Libraries import some of what they need only when they need it, which no list of imports shows."""
    (tmp_path / "less").mkdir()
    (tmp_path / "less/sitecustomize.py").write_text(LESS)
    run = re.findall(
        r"^Shell command: (python (?:-IS \S+ \S+ )?\S*scripts/(\w+)\.py .*)$",
        snakemake(copy, "-n", "-p", "-F", "--configfile", QUICK),
        re.M,
    )
    assert len(run) > 20
    for environment in ENVIRONMENTS:
        installed = installed_with(pinned(environment))
        every = metadata.packages_distributions().items()
        absent = [module for module, names in every if not set(map(canonicalize_name, names)) & installed]
        settings = {"PYTHONPATH": str(tmp_path / "less"), "ABSENT": " ".join(absent)}
        settings["PATH"] = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
        for command, name in run:
            if name in commands_in(environment):
                words = ["bash", "-o", "pipefail", "-c", re.sub(r"(2>&1 \| tee|>) \S+( 2>&1)?$", "", command)]
                done = subprocess.run(words, cwd=copy, env=os.environ | settings, capture_output=True, text=True)
                assert done.returncode == 0, f"{environment}: {command}\n{done.stdout}{done.stderr}"


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
