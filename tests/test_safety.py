"""Nothing from outside is executed: no pickle is loaded, and no name in the config or on the disk reaches a shell unquoted."""

import ast
import re

import pytest
import torch
import yaml
from test_faults import Trap, training_options

from conftest import CUBE, ROOT, clone, jobs, snakemake
from voxprune.core.command import run_command
from voxprune.core.files import read_json
from voxprune.voxels import dataset

PYTHON = sorted(path for folder in ("scripts", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
JOINED = {
    "axes",
    "draw",
    "splits",
    "grid",
    "settings",
    "training",
    "method",
    "measurement",
    "more",
    "stop",
}  # params that `options` in common.smk has quoted
NUMBERS = {
    "methods",
    "resolution",
    "seed",
    "seeds",
    "levels",
    "criterion_objects",
    "objects",
    "gpu",
    "threads",
    "views",
}  # whole, by the schema


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.name)
def test_no_pickle_is_loaded(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = {alias.name for alias in node.names} if isinstance(node, (ast.Import, ast.ImportFrom)) else set()
        assert not names & {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
        assert not (isinstance(node, ast.Attribute) and node.attr in ("read_pickle", "to_pickle"))
        if isinstance(node, ast.Call):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert "allow_pickle" not in given
            if ast.unparse(node.func) == "torch.load":
                assert given.get("weights_only") == "True"


def test_a_planted_state_is_refused_and_runs_nothing(voxels, tmp_path, capsys):
    import train

    torch.save({"fingerprint": Trap(tmp_path / "sprung")}, tmp_path / "checkpoint.safetensors.resume")
    run_command(train.main, train.parse(), list(map(str, training_options(voxels, tmp_path))))
    torch.use_deterministic_algorithms(False)
    assert "not resumed" in capsys.readouterr().out
    assert (tmp_path / "checkpoint.safetensors").exists() and not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*.smk")), ids=lambda path: path.name)
def test_every_value_in_a_command_is_quoted(path):
    for command in re.findall(r'^ +shell:\n((?:.*".*"\n)+)', path.read_text(), re.MULTILINE):
        for value in re.findall(r"\{([^}]+)\}", command):
            assert value.endswith(":q") or value.split(".")[-1] in JOINED | NUMBERS, f"{{{value}}} is not quoted"


CLASSES = ["-night stand", 'it\'s "$HOME"; `touch sprung` [tücher]?* %s \\ #~ 椅子']
FOLDER = "my \"meshes\"; $(touch sprung) & 'so' ünï"


def test_a_whole_run_with_the_nastiest_names(tmp_path):
    """Folders, classes and mesh files as users may have them, from meshes to metrics."""
    for width, name in enumerate(CLASSES, start=1):
        for split, count in (("train", 6), ("test", 3)):
            folder = tmp_path / FOLDER / name / split
            folder.mkdir(parents=True)
            for number in range(count):
                (folder / f"-{number} $(touch sprung); 'x' \"y\" ü.off").write_text(
                    CUBE.replace("1 0 0\n", f"{width} 0 0\n")
                )
    workflow = clone(tmp_path / "voxprune")
    config = {
        "experiment": "nasty", "dataset": {"name": "mine", "source": "folder", "folder": f"{tmp_path}/{FOLDER}", "classes": CLASSES},
        "voxels": {"resolution": 8}, "training": {"epochs": 1}, "seeds": [0], "levels": [50],
    }  # fmt: skip
    (workflow / "nasty.yaml").write_text(yaml.safe_dump(config))
    metrics = "results/nasty/seed0/filter/level050/metrics.json"
    command = [metrics, "--configfile", "nasty.yaml"]
    snakemake(workflow, *command, "--cores", "2")
    assert jobs(workflow, *command) == {}
    assert list(read_json(workflow / metrics)["per_class_accuracy_percent"]) == CLASSES
    voxels = dataset.load_split(workflow / "results/voxels/mine/8-centred-surface-padding1", "test", CLASSES)
    assert voxels.files[0] == f"{CLASSES[0]}/-0 $(touch sprung); 'x' \"y\" ü.off"
    assert not list(tmp_path.rglob("sprung"))
