"""docs/extending.md works to the letter: every block with a file's name is added to a copy of the workflow, and tested there."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT, clone

PAGE = (ROOT / "docs/extending.md").read_text()
BLOCKS = re.findall(r'^```(python|diff) title="(.*?)"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL)
TESTS = [path for _, path, _ in BLOCKS if path.startswith("tests/")]


def add(folder, kind, path, content):
    """Adds one block of the page: a new file, or the lines that a diff adds and takes away."""
    target = folder / path
    if kind == "python":
        assert not target.exists(), f"{path} is there already"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        return
    lines = content.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    text = target.read_text()
    assert text.count(before) == 1, f"{path} doesn't hold these lines once: {before}"
    target.write_text(text.replace(before, after))


def run(folder, *command, check=True):
    """Runs a command in the copy; returns what it says."""
    paths = os.pathsep.join([str(folder / "scripts"), str(folder)])
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy of the workflow with everything added that the page adds, and with what derives from the settings written."""
    folder = clone(tmp_path_factory.mktemp("extended") / "voxprune")
    for path in (folder / "tests").glob("test_*.py"):
        path.unlink()
    for kind, path, content in BLOCKS:
        add(folder, kind, path, content)
    run(folder, "scripts/write_settings.py")
    return folder


@pytest.fixture(scope="module")
def said(extended):
    """What pytest says of the page's tests, all run together because loading PyTorch takes seconds."""
    return run(extended, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "tests", check=False)


def test_the_page_adds_one_of_each_kind():
    places = ["pruning/criteria", "networks/architectures", "mynets", "measurement/engines", "training/retraining", "settings",
              "meshes"]  # fmt: skip
    assert not [place for place in places if not any(place in path for _, path, _ in BLOCKS)] and len(TESTS) == 6


@pytest.mark.parametrize("path", TESTS)
def test_what_the_page_adds_works(said, path):
    outcomes = re.findall(rf"^([A-Z]+) {path}", said, re.MULTILINE)
    assert outcomes and set(outcomes) == {"PASSED"}, said


def test_what_the_page_adds_stands_in_the_derived_files(extended):
    config, page = (extended / "config.yaml").read_text(), (extended / "docs/settings.md").read_text()
    for name in ("largest", "tiny", "gradient_norm"):
        assert name in config and name in page
    assert "train the classifier's last layer alone" in " ".join(config.replace("#", "").split())
    assert "`head`" in page and '"torch-script"' in (extended / "schemas/config.schema.json").read_text()


def test_a_config_may_name_what_the_page_adds(extended):
    method = (
        "{'unit': 'filter', 'criterion': 'largest', 'scope': 'layer', 'apply': 'remove', 'retrain': 'head', 'epochs': 2}"
    )
    assert "largest" in run(extended, "-c", (
        "import yaml; from voxprune.settings.config import check_config\n"
        "config = yaml.safe_load(open('config.yaml')) | {'network': 'tiny'}\n"
        f"config['methods'] = {{'mine': {method}}}; config['measurement']['engines'] = ['torch-script']\n"
        "print(check_config(config).methods['mine'].criterion)"
    ))  # fmt: skip


@pytest.mark.parametrize("content", [" no such line\n+added\n", "-PARSERS = {}\n"])
def test_a_diff_that_no_longer_fits_is_found(extended, tmp_path, content):
    shutil.copytree(extended / "scripts/voxprune/meshes", tmp_path / "meshes")
    with pytest.raises(AssertionError, match="doesn't hold these lines once"):
        add(tmp_path, "diff", "meshes/read.py", content)
